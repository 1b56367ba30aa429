"""Changes of the outbox under a lease: all of them, or none."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from assistant.memory import outbox, outgoing
from assistant.memory.outbox import Lease, LeaseLost
from assistant.models import Message, MirrorState, Thread
from ops.waiting import PATIENCE_SECONDS
from tests.memory.conftest import Say

pytestmark = pytest.mark.django_db(transaction=True)
Change = Callable[[Lease, list[Message]], None]


def acknowledge(lease: Lease, rows: list[Message]) -> None:
    outbox.acknowledge(lease, rows, timezone.now())


CHANGES: list[Change] = [outbox.save_prepared, acknowledge]


def leased(say: Say, *texts: str) -> tuple[Lease, list[Message]]:
    """A lease, and the redacted rows that it is about."""
    for text in texts or ("hello",):
        say(text)
    lease = outbox.take_lease("t1")
    assert lease is not None
    rows = outbox.waiting_messages("t1", 30)
    assert all(outgoing.redact_into(row) for row in rows)
    return lease, rows


def test_what_is_prepared_is_stored_as_it_will_be_sent(say: Say) -> None:
    lease, rows = leased(say, "I am ayse@example.com", 'a "quoted" \\ line\nand ☀ 100 %s')

    outbox.save_prepared(lease, rows)

    for row, stored in zip(rows, Message.objects.order_by("sequence"), strict=True):
        assert (stored.mirror_state, stored.mirror_attempts) == (MirrorState.IN_FLIGHT, 1)
        assert stored.outgoing_parts == row.outgoing_parts
        assert stored.redactions == row.redactions
        assert stored.outgoing_sha256 == row.outgoing_sha256


def test_what_is_acknowledged_keeps_no_redacted_copy(say: Say) -> None:
    lease, rows = leased(say, "one", "two")
    outbox.save_prepared(lease, rows)
    now = timezone.now()

    outbox.acknowledge(lease, rows[:1], now)

    first, second = Message.objects.order_by("sequence")
    assert (first.mirror_state, first.mirrored_at, first.outgoing_parts) == (MirrorState.MIRRORED, now, None)
    assert second.mirror_state == MirrorState.IN_FLIGHT


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_renews_the_lease(change: Change, say: Say) -> None:
    lease, rows = leased(say)
    before = Thread.objects.get(pk="t1").lease_until

    change(lease, rows)

    after = Thread.objects.get(pk="t1").lease_until
    assert before is not None
    assert after is not None
    assert before < after <= timezone.now() + outbox.LEASE


@pytest.mark.parametrize("change", CHANGES)
def test_a_holder_that_lost_its_lease_changes_nothing(change: Change, say: Say) -> None:
    lease, rows = leased(say)
    Thread.objects.update(lease_fence=F("lease_fence") + 1)
    before = list(Thread.objects.values()), list(Message.objects.values())

    with pytest.raises(LeaseLost):
        change(lease, rows)

    assert (list(Thread.objects.values()), list(Message.objects.values())) == before


@pytest.mark.parametrize("change", CHANGES)
def test_a_holder_that_loses_its_lease_while_it_waits_for_the_row_changes_nothing(change: Change, say: Say) -> None:
    lease, rows = leased(say)
    lost: list[LeaseLost] = []

    def try_it() -> None:
        try:
            change(lease, rows)
        except LeaseLost as error:
            lost.append(error)
        finally:
            connection.close()

    waiting = threading.Thread(target=try_it)
    with transaction.atomic():
        Thread.objects.update(lease_fence=F("lease_fence") + 1)
        before = list(Message.objects.values())
        waiting.start()
        waiting.join(0.2)  # until it waits; had it not begun yet, it would meet the new fence at once
    waiting.join(PATIENCE_SECONDS)

    assert len(lost) == 1
    assert list(Message.objects.values()) == before
