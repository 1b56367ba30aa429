"""People with something to lose, and the passing of time for erasures."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant import conversation
from assistant.conversation import ThreadRef
from assistant.models import Erasure, Export, User
from assistant.personal_data import exports, progress
from assistant.personal_data.export_files import Ready

Say = Callable[..., UUID]


@pytest.fixture(autouse=True)
def folders(settings: Settings, tmp_path: Path) -> None:
    """Ledger and exports of this test's own."""
    settings.ERASURE_LEDGER = tmp_path / "erasures.jsonl"
    settings.EXPORT_DIR = tmp_path / "exports"


@pytest.fixture
def say(ayse: User) -> Say:
    """Store a user's message; its client_msg_id."""

    def say(text: str, thread_id: str = "t1", user: User = ayse) -> UUID:
        client_msg_id = uuid4()
        conversation.record(ThreadRef(user, thread_id), text, client_msg_id)
        return client_msg_id

    return say


def time_passes() -> None:
    """Let the time come for which erasures wait, and the hands fall off of workers that died."""
    past = timezone.now() - timedelta(seconds=1)
    Erasure.objects.filter(due_at__isnull=False).update(due_at=past, settled_at=past, claimed_until=None)


def finish(erasure: Erasure, rounds: int = 6) -> Erasure:
    """Carry it out as the schedule would, with the waiting left out; the row as it is then."""
    for _ in range(rounds):
        progress.carry_out(erasure.pk)
        time_passes()
        erasure.refresh_from_db()
        if erasure.state == Erasure.State.COMPLETED:
            break
    return erasure


def read_all(ready: Ready) -> bytes:
    """What goes out."""
    pieces = list(iter(ready.read, b""))
    ready.close()
    return b"".join(pieces)


def fetched(pk: str) -> bytes:
    """The finished export's content."""
    ready = exports.opened(Export.objects.get(pk=pk))
    assert ready is not None
    return read_all(ready)
