"""A receipt shows what its reader understands: all of that, and nothing that an erasure notes for its own use."""

import pytest

from assistant.archive import archiving
from assistant.memory import mirror
from assistant.models import Erasure, User
from assistant.personal_data import erasure, receipts
from assistant.personal_data.receipts import COUNTS
from assistant.personal_data.retelling import GENERATION
from assistant.personal_data.told import THREADS_TOLD
from tests.personal_data.conftest import Say, finish

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]
OURS = {GENERATION, THREADS_TOLD}


@pytest.fixture
def complete(say: Say, ayse: User) -> list[Erasure]:
    """A thread's erasure, for which an archive came back, and then the person's."""
    say("goes", "goes")
    for number in range(6):
        say(f"stays {number}", "stays")
    for thread_id in ("goes", "stays"):
        mirror.drain(thread_id)
    archiving.archive_now("stays", "op", keep=2)
    of_thread = finish(erasure.request_thread(ayse, "goes", "op"))
    ayse.refresh_from_db()
    return [of_thread, finish(erasure.request(ayse, "op"))]


def shown(row: Erasure) -> dict[str, int]:
    counts = receipts.as_receipt(row)["counts"]
    assert isinstance(counts, dict)
    return counts


def test_what_only_we_understand_is_kept_and_not_shown(complete: list[Erasure]) -> None:
    assert {name for row in complete for name in row.counts} >= OURS
    assert [set(shown(row)) & OURS for row in complete] == [set(), set()]


def test_every_count_is_either_shown_or_ours_and_nothing_is_made_up(complete: list[Erasure]) -> None:
    """A count that is new has to be put on one side."""
    counted = {name for row in complete for name in row.counts}

    assert counted == OURS | set(COUNTS)
    assert [shown(row) for row in complete] == [
        {name: count for name, count in row.counts.items() if name not in OURS} for row in complete
    ]
