"""Places that an erasure has to reach and that nobody sees: limits in Redis, the mirror's notes, summaries."""

import pytest
import redis as redis_py

from assistant import loops, rates
from assistant.memory import mirror, write_hold
from assistant.models import Thread, User
from assistant.personal_data import erasure, progress
from assistant.replies.summary import to_values
from assistant.replies.values import Summary
from ops.redis_process import RedisProcess
from ops.zep_standin.process import StandIn
from tests.personal_data.conftest import Say, finish

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


def test_what_was_counted_of_the_person_to_limit_them_goes(redis_server: RedisProcess) -> None:
    """Their numbers are such that no other number in a key can be taken for one."""
    leaves, stays = (User.objects.create_user(f"u{number}", id=number) for number in (710_001, 710_002))
    for limit in (rates.messages(), rates.exports(), rates.facts(), rates.changes()):
        for user in (leaves, stays):
            loops.run(rates.count(limit, user.pk))
    counted = limits_of(redis_server, leaves)
    assert len(counted) >= 4
    kept = limits_of(redis_server, stays)

    finish(erasure.request(leaves, "op"))

    assert limits_of(redis_server, leaves) == []
    assert limits_of(redis_server, stays) == kept


def limits_of(redis_server: RedisProcess, user: User) -> list[bytes]:
    """The keys that count for the user: their number is one part of each."""
    with redis_py.Redis.from_url(redis_server.url) as client:
        parts = {key: key.replace(b"{", b"/").replace(b"}", b"/").split(b"/") for key in client.scan_iter("rate*")}
    return sorted(key for key, names in parts.items() if str(user.pk).encode() in names)


@pytest.mark.parametrize("whole", [True, False])
def test_what_the_mirror_notes_in_redis_of_a_thread_goes(
    say: Say, ayse: User, redis_server: RedisProcess, *, whole: bool
) -> None:
    mehmet = User.objects.create_user("mehmet")
    say("hers", "kanarya-1")
    say("his", "theirs", mehmet)
    with redis_py.Redis.from_url(redis_server.url) as client:
        for thread_id in ("theirs", "kanarya-1"):
            client.set(f"{write_hold.FAILED_KEY}:{thread_id}", "1.0")
        mirror.drain("kanarya-1")  # the last that Zep took: its thread is noted
        assert b"kanarya-1" in (client.get(write_hold.SUCCESS_KEY) or b"")

        asked = erasure.request(ayse, "op") if whole else erasure.request_thread(ayse, "kanarya-1", "op")
        finish(asked)

        assert client.get(write_hold.SUCCESS_KEY) is None
        assert list(client.scan_iter(f"{write_hold.FAILED_KEY}:*")) == [f"{write_hold.FAILED_KEY}:theirs".encode()]


def test_the_success_of_somebody_elses_thread_stays_noted(say: Say, ayse: User, redis_server: RedisProcess) -> None:
    say("hers")
    say("his", "theirs", User.objects.create_user("mehmet"))
    mirror.drain("theirs")

    finish(erasure.request(ayse, "op"))

    with redis_py.Redis.from_url(redis_server.url) as client:
        assert b"theirs" in (client.get(write_hold.SUCCESS_KEY) or b"")


@pytest.mark.parametrize("whole", [True, False])
def test_a_summary_goes_with_the_messages_while_zep_is_still_away(
    say: Say, ayse: User, standin: StandIn, *, whole: bool
) -> None:
    """Zep may be away for days: what the summary says of budget and place does not wait for it."""
    say("hello")
    mirror.drain("t1")
    Thread.objects.update(summary=to_values(Summary(last_agent="general", prose="They have a budget of 612 pounds.")))
    standin.fault("status", route="any", status=503)

    progress.carry_out((erasure.request(ayse, "op") if whole else erasure.request_thread(ayse, "t1", "op")).pk)

    assert Thread.objects.get(pk="t1").summary is None
