"""The ledger as erasures ask it: one of many, however long it has become."""

import fcntl
import resource
from collections.abc import Iterator

import pytest
from django.conf import settings

from assistant.models import Erasure, User
from assistant.personal_data import erasure, ledger, ledger_lines
from assistant.personal_data.ledger_lines import Entry
from tests.personal_data.conftest import Say

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]
OTHERS = 500


@pytest.fixture
def asked(say: Say, ayse: User) -> Erasure:
    """One person's erasure, in the ledger behind many of others, of which a crash left one cut short."""
    say("hello", "goes")
    asked = erasure.request_thread(ayse, "goes", "op")
    for number in range(OTHERS):
        ledger.write_completion(Erasure(receipt=f"other-{number}"))
    with settings.ERASURE_LEDGER.open("a", encoding="utf-8") as file:
        file.write('{"v":1,"event":"requ')
    ledger.write_request(asked)
    return asked


def test_one_erasure_is_found_and_nothing_else_is_parsed(asked: Erasure, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def noted(line: str) -> Entry | None:
        parsed.append(line)
        return ledger_lines.parsed(line)

    monkeypatch.setattr(ledger, "parsed", noted)

    found = ledger.of(asked.receipt)

    assert found.memory_ids == {asked.memory_id}
    assert len(found.threads) == 1
    assert len(parsed) == 1


def test_who_is_not_in_it_is_not_found(asked: Erasure) -> None:
    assert ledger.of("nobody") == ledger.Named()
    assert ledger.of("other-7") == ledger.Named()  # complete, and what was asked is not there


def test_a_line_that_was_cut_short_is_still_told_to_who_reads_all(asked: Erasure) -> None:
    assert list(ledger.read()).count(None) == 1
    assert len(list(ledger.read())) == OTHERS + 2


@pytest.fixture
def nearly_full() -> Iterator[None]:
    """No file may grow beyond a few bytes more than the ledger has: a write is cut short, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ledger.write_completion(Erasure(receipt="before"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (settings.ERASURE_LEDGER.stat().st_size + 10, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_line_that_a_full_disk_cuts_short_does_not_count_as_written(nearly_full: None) -> None:
    with pytest.raises(OSError, match="No space"):
        ledger.write_completion(Erasure(receipt="cut"))

    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    ledger.write_completion(Erasure(receipt="after"))

    found = list(ledger.read())
    assert [entry and entry["receipt"] for entry in found] == ["before", None, "after"]


def test_who_holds_the_ledger_for_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "LOCK_SECONDS", 0.0)
    with settings.ERASURE_LEDGER.open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError):
            ledger.write_completion(Erasure(receipt="waits"))

    ledger.write_completion(Erasure(receipt="waits"))
    assert [entry and entry["receipt"] for entry in ledger.read()] == ["waits"]
