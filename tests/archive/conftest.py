"""What the archive's suites share: a folder of their own, threads with a past, and what rows and files say."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant.archive import document, marks
from assistant.models import Message, MirrorState, Thread, User, reply_id

Grow = Callable[..., Thread]
ROW = (*document.columns(), "archive", "text_digest")


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    """Where this test's archives are."""
    where = tmp_path / "archives"
    local = settings.STORAGES["archive"] | {"OPTIONS": {"location": str(where)}}
    settings.STORAGES = settings.STORAGES | {"archive": local}
    return where


@pytest.fixture
def grow(ayse: User, folder: Path) -> Grow:
    """Give a thread so many more messages, mirrored unless said otherwise."""

    def grow(thread_id: str, count: int, *, at: datetime | None = None, **columns: Any) -> Thread:
        return add_messages(ayse, thread_id, count, at=at, **columns)

    return grow


def add_messages(
    user: User, thread_id: str, count: int, *, at: datetime | None = None, begun: datetime | None = None, **columns: Any
) -> Thread:
    """Turns of a question and an answer; the counters are as a turn would have left them."""
    at = at or timezone.now()
    thread, _ = Thread.objects.get_or_create(id=thread_id, user=user)
    first, asked = thread.last_sequence + 1, uuid4()
    rows = []
    for sequence in range(first, first + count):
        is_answer = sequence % 2 == 0
        asked = asked if is_answer else uuid4()
        row = Message(
            user=user,
            thread=thread,
            sequence=sequence,
            client_msg_id=reply_id(thread_id, asked) if is_answer else asked,
            role=Message.Role.ASSISTANT if is_answer else Message.Role.USER,
            text=f"answer {sequence} Ğüzelyurt" if is_answer else f"question {sequence} of Ayşe 🏡",
            agent="general" if is_answer else "",
            rich={"n": sequence, "list": [1.5, None, "ö"]} if is_answer else None,
            memory_trace={"used": True, "took_ms": sequence} if is_answer else None,
            created_at=at + timedelta(milliseconds=sequence),
            outgoing_policy="1:email,phone",
            outgoing_sha256=f"{sequence:064x}",
            redactions={"email": 0},
            **({"mirror_state": MirrorState.MIRRORED, "mirrored_at": at + timedelta(seconds=1)} | columns),
        )
        rows.append(row)
    Message.objects.bulk_create(rows)
    thread.last_sequence += count
    thread.hot_messages += count
    thread.last_message_at = at
    if begun is not None:
        thread.created_at = begun
    thread.save()
    return thread


def rows_of(thread_id: str) -> list[Mapping[str, Any]]:
    """Every column that an archive knows, and what archiving adds; in order."""
    return list(Message.objects.filter(thread_id=thread_id).order_by("sequence").values(*ROW))


def texts_of(thread_id: str) -> list[str]:
    return list(Message.objects.filter(thread_id=thread_id).order_by("sequence").values_list("text", flat=True))


def files(folder: Path) -> list[Path]:
    """The archives in it."""
    found = folder.iterdir() if folder.exists() else ()
    return sorted(path for path in found if not marks.is_mark(path.name))
