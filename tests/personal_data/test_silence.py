"""From the request on no thread of the person's speaks of what is being erased, until Zep has been told anew."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
import redis as redis_py
from pytest_django.fixtures import Settings

from assistant import conversation, turns
from assistant.archive import summaries
from assistant.conversation import Recorded, ThreadRef
from assistant.database import in_database
from assistant.events import Event, TurnRemembered
from assistant.memory import context_cache, mirror
from assistant.memory.context import ThreadContext
from assistant.models import Erasure, Message, MirrorState, Thread, User
from assistant.personal_data import erasure, progress
from assistant.personal_data.choices import choose_memory
from assistant.replies.summary import to_values
from assistant.replies.values import Search, Summary
from assistant.steps import Steps
from assistant.turns import Turn, take_turn
from ops.redis_process import RedisProcess
from ops.zep_standin.process import StandIn
from tests.personal_data.conftest import finish
from tests.support.background import in_the_background

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]
SECRET = "612"
ERASING = {"used": False, "mode": "read_write", "source": "local", "reason": "erasing"}
KNOWN = ThreadContext(facts=("The user's monthly budget is £612", "The user wants to live in Girne"))
Ask = Callable[[User], object]


async def turn(user: User, said: str, thread_id: str = "stays", client_msg_id: UUID | None = None) -> Turn:
    answered = await take_turn(ThreadRef(user, thread_id), said, client_msg_id or uuid4())
    await in_the_background()
    return answered


def speaks_of_it(answered: Turn) -> bool:
    return SECRET in f"{answered.reply.text} {answered.reply.rich}"


async def cache(thread_id: str = "stays") -> None:
    """As if a read had ended just now."""
    generation = (await context_cache.look_up(thread_id, "summary")).generation
    assert await context_cache.fill(thread_id, "summary", KNOWN, generation)


async def begin() -> Erasure:
    """The person, as they are in the database, asks for the one thread to go."""
    return await in_database(erasure.request_thread, await User.objects.aget(), "goes", "op")


@pytest.fixture
async def told(ayse: User) -> User:
    """Zep knows from one thread what the other uses."""
    await turn(ayse, "I need a 2 bedroom flat to rent in Girne, my budget is 612 pounds a month", "goes")
    await turn(ayse, "hello")
    for thread_id in ("goes", "stays"):
        await in_database(mirror.drain, thread_id)
    assert speaks_of_it(await turn(ayse, "show me flats"))
    return ayse


@pytest.mark.parametrize("situation", ["live", "cached", "stale"])
async def test_other_threads_are_silent_from_the_request_on(
    told: User, standin: StandIn, redis_server: RedisProcess, announced: list[Event], situation: str
) -> None:
    standin.fault("status", route="write", status=503)
    asked = await begin()
    await in_database(progress.carry_out, asked.pk)
    if situation != "live":
        await cache()
    if situation == "stale":
        redis_py.Redis.from_url(redis_server.url).delete("mem:ctx:v1:stays:summary")
        standin.fault("status", route="read", status=503)
    announced.clear()
    before = standin.last_n()

    answered = await turn(told, "show me flats")

    assert not speaks_of_it(answered)
    trace = dict(answered.reply.memory_trace)
    assert trace.pop("client_ids")
    assert trace == ERASING
    assert [each.context for each in announced if isinstance(each, TurnRemembered)] == ["excluded"]
    assert not [entry for entry in standin.log(before) if entry["caller"] == "web"]


async def test_what_is_said_meanwhile_reaches_zep_without_it_and_then_memory_is_back(
    told: User, standin: StandIn
) -> None:
    await Message.objects.filter(thread_id="stays", text__contains=SECRET).adelete()  # those words are the thread's own
    asked = await begin()
    await turn(told, "show me flats")

    await in_database(finish, asked)
    await in_database(mirror.drain, "stays")

    held = standin.thread("stays")
    assert "show me flats" in held.contents
    assert SECRET not in f"{held.contents} {held.facts}"
    answered = await turn(told, "what do you know about me?")
    assert answered.reply.memory_trace["source"] == "zep"
    assert not speaks_of_it(answered)


async def test_what_was_cached_is_gone_with_the_request(told: User, redis_server: RedisProcess) -> None:
    for thread_id in ("goes", "stays"):
        await cache(thread_id)

    await begin()

    client = redis_py.Redis.from_url(redis_server.url)
    assert [key for key in client.scan_iter("mem:ctx:*") if not key.endswith(b":gen")] == []


async def test_so_it_is_where_the_whole_person_goes(told: User, redis_server: RedisProcess) -> None:
    await cache()

    await in_database(erasure.request, told, "op")

    assert not redis_py.Redis.from_url(redis_server.url).exists("mem:ctx:v1:stays:stale")


async def test_a_read_that_is_under_way_puts_nothing_back(told: User) -> None:
    read_under = (await context_cache.look_up("stays", "summary")).generation
    await begin()

    assert not await context_cache.fill("stays", "summary", KNOWN, read_under)


async def test_without_redis_the_request_is_taken_and_the_others_are_silent(
    told: User, redis_server: RedisProcess
) -> None:
    await cache()
    redis_server.stop()
    await begin()
    redis_server.start()

    assert not speaks_of_it(await turn(told, "show me flats"))


async def recalled(user: User, said: str = "show me flats") -> tuple[Recorded, turns.Recalled]:
    """A turn that has read, and has not answered yet."""
    message = await in_database(conversation.record, ThreadRef(user, "stays"), said, uuid4())
    found = await turns.recall(message)
    assert found.context is not None
    return message, found


def one_thread(user: User) -> None:
    erasure.request_thread(user, "goes", "op")


def everything(user: User) -> None:
    erasure.request(user, "op")


def one_thread_to_the_end(user: User) -> None:
    finish(erasure.request_thread(user, "goes", "op"))


def opting_out(user: User) -> None:
    choose_memory(user, memory_on=False)


@pytest.mark.parametrize(
    ("asks", "reason"),
    [(one_thread, "erasing"), (everything, "erasing"), (one_thread_to_the_end, "erasing"), (opting_out, "opted_out")],
)
async def test_an_answer_under_way_is_made_anew_without_what_may_not_be_used_any_more(
    told: User, asks: Ask, reason: str
) -> None:
    message, found = await recalled(told)
    await in_database(asks, await User.objects.aget(pk=told.pk))

    reply, is_ours = await in_database(turns.compose_and_record, message, found, Steps())

    assert is_ours
    assert SECRET not in f"{reply.text} {reply.rich}"
    assert (reply.memory_trace["used"], reply.memory_trace["reason"]) == (False, reason)
    stored = await Message.objects.aget(client_msg_id=reply.client_msg_id)
    assert SECRET not in stored.text
    assert stored.mirror_state == (MirrorState.PRIVATE if asks is opting_out else MirrorState.PENDING)


async def test_a_message_that_was_not_answered_is_answered_without_it_when_it_is_sent_again(told: User) -> None:
    client_msg_id = uuid4()
    await in_database(conversation.record, ThreadRef(told, "stays"), "show me flats", client_msg_id)
    await begin()
    await cache()

    answered = await turn(told, "show me flats", client_msg_id=client_msg_id)

    assert not speaks_of_it(answered)
    assert answered.reply.memory_trace["reason"] == "erasing"


async def test_a_new_thread_asks_by_the_new_id_whoever_logged_in_before(told: User) -> None:
    """The request that began before the erasure was asked for goes on with the person as they were."""
    await begin()

    answered = await turn(told, "show me flats", thread_id="new")

    assert not speaks_of_it(answered)
    message = await in_database(conversation.record, ThreadRef(told, "newer"), "hello", uuid4())
    assert message.memory_id == (await User.objects.aget()).memory_id


async def test_what_zep_summed_up_of_archived_messages_goes_and_what_the_rules_found_stays(told: User) -> None:
    kept = Summary(search=Search(), last_agent="real_estate", prose=f"Wants a flat for £{SECRET}.")
    await Thread.objects.filter(pk="stays").aupdate(summary=to_values(kept))
    under_way = await in_database(conversation.record, ThreadRef(told, "stays"), "show me flats", uuid4())
    nothing_read = turns.Recalled(under_way.recent, None, {"used": False})
    await begin()

    reply, _ = await in_database(turns.compose_and_record, under_way, nothing_read, Steps())
    message = await in_database(conversation.record, ThreadRef(told, "stays"), "show me flats", uuid4())

    assert SECRET not in f"{reply.text} {reply.rich}"
    assert message.earlier == Summary(search=Search(), last_agent="real_estate")
    assert summaries.of(await Thread.objects.aget(pk="stays")) == message.earlier


async def test_where_nothing_is_read_anyway_the_trace_is_the_modes(told: User, settings: Settings) -> None:
    settings.FLAG_ZEP_READ = False
    await begin()

    trace = (await turn(told, "hello")).reply.memory_trace

    assert (trace["used"], trace["mode"], trace["reason"]) == (True, "write_only", "disabled")
