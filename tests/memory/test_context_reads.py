"""Reads of a thread's context against a real Zep stand-in with faults: always in time, always with an honest trace."""

import asyncio
from collections import Counter
from uuid import UUID, uuid4

import httpx
import pytest
import redis
from pytest_django.fixtures import Settings

from assistant.events import Event, RedisUnavailable
from assistant.memory import context_cache
from assistant.memory.context import ThreadContext
from assistant.memory.redacted import RedactedText
from assistant.memory.service import UserSearch, fetch_thread_context_async, refresh_context
from assistant.memory.zep_client import OutgoingMessage, zep
from assistant.redis_link import FAILURES_THAT_MATTER
from ops.redis_process import RedisProcess
from ops.waiting import PATIENCE_SECONDS
from ops.zep_standin.process import StandIn
from tests.support.timing import is_ever_awaited_within

pytestmark = pytest.mark.usefixtures("redis_server", "standin")
MEMORY_ID = UUID("11111111-2222-4333-8444-555555555555")


async def remember(thread_id: str, *texts: str) -> None:
    await zep().ensure_user(MEMORY_ID)
    await zep().ensure_thread(thread_id, MEMORY_ID)
    messages = [OutgoingMessage(uuid4(), "user", RedactedText(text), uuid4()) for text in texts]
    await zep().add_messages(thread_id, messages)


async def test_a_healthy_read_gives_facts_and_recent_messages() -> None:
    await remember("t1", "I need a 2 bedroom in Girne")

    context, meta = await fetch_thread_context_async("t1")

    assert context is not None
    assert [message.text for message in context.recent] == ["I need a 2 bedroom in Girne"]
    assert any("Girne" in fact for fact in context.facts)
    took_ms = meta.pop("took_ms")
    assert isinstance(took_ms, int)
    counts = {"facts_count": len(context.facts), "recent_count": 1}
    assert meta == {"used": True, "mode": "read_write", "source": "zep", "cached": False} | counts


async def test_a_thread_zep_does_not_know_has_an_empty_context_and_that_is_no_failure() -> None:
    context, meta = await fetch_thread_context_async("never-seen")

    assert context == ThreadContext()
    assert meta["used"] is True


async def test_the_second_read_comes_from_the_cache(standin: StandIn) -> None:
    await remember("t1", "I need a 2 bedroom in Girne")
    first, _ = await fetch_thread_context_async("t1")
    await cached("t1")
    before = standin.last_n()

    second, meta = await fetch_thread_context_async("t1")

    assert second == first
    assert (meta["cached"], meta["used"], meta["source"]) == (True, True, "zep")
    assert standin.log(before) == []


async def test_a_slow_reader_does_not_put_stale_context_back() -> None:
    looked_up = await context_cache.look_up("t1", "summary")
    await context_cache.forget("t1")

    stored = await context_cache.fill("t1", "summary", ThreadContext(facts=("stale",)), looked_up.generation)

    assert stored is False
    assert (await context_cache.look_up("t1", "summary")).context is None


async def test_a_refresh_leaves_fresh_context_in_the_cache(standin: StandIn) -> None:
    await fetch_thread_context_async("t1")
    await remember("t1", "I need a 2 bedroom in Girne")

    await refresh_context("t1")

    context, meta = await fetch_thread_context_async("t1")
    assert meta["cached"] is True
    assert context is not None
    assert context.recent


@pytest.mark.parametrize("mode", ["summary", "recent", "facts"])
async def test_a_read_gives_only_what_its_mode_asks_for(mode: str) -> None:
    await remember("t1", "I need a 2 bedroom in Girne")

    context, _ = await fetch_thread_context_async("t1", mode=mode)  # type: ignore[arg-type]  # parametrised

    assert context is not None
    assert bool(context.facts) is (mode != "recent")
    assert bool(context.recent) is (mode != "facts")


@pytest.mark.parametrize(
    ("fault", "source", "reason", "status_code"),
    [
        ({"kind": "status", "status": 401}, "auth", "auth", 401),
        ({"kind": "status", "status": 403}, "auth", "auth", 403),
        ({"kind": "status", "status": 408}, "timeout", "timeout", 408),
        ({"kind": "status", "status": 429, "retry_after": "7"}, "local", "rate_limited", 429),
        ({"kind": "status", "status": 500}, "local", "http_500", 500),
        ({"kind": "status", "status": 503}, "local", "http_503", 503),
        ({"kind": "delay", "delay_ms": 2_000}, "timeout", "timeout", None),
        ({"kind": "hang"}, "timeout", "timeout", None),
        ({"kind": "drip"}, "timeout", "timeout", None),
        ({"kind": "reset"}, "local", "connection", None),
        ({"kind": "garbage"}, "local", "bad_response", 200),
        ({"kind": "empty"}, "local", "bad_response", 200),
        ({"kind": "huge"}, "local", "bad_response", 200),
    ],
    ids=lambda value: "-".join(str(part) for part in value.values()) if isinstance(value, dict) else None,
)
async def test_every_failure_becomes_no_context_and_an_honest_trace(
    standin: StandIn, fault: dict[str, object], source: str, reason: str, status_code: int | None
) -> None:
    standin.fault(route="read", **fault)  # type: ignore[arg-type]  # the kind is among them

    timeout_ms = 1_000 if (reason, status_code) == ("timeout", None) else None
    context, meta = await fetch_thread_context_async("t1", timeout_ms=timeout_ms)

    assert context is None
    assert meta["used"] is False
    assert (meta["source"], meta["reason"], meta.get("status_code")) == (source, reason, status_code)


async def test_a_refused_connection_is_told_from_a_timeout(standin: StandIn) -> None:
    standin.stop()
    try:
        context, meta = await fetch_thread_context_async("t1")
    finally:
        standin.start()

    assert context is None
    assert (meta["source"], meta["reason"]) == ("local", "connection")


@pytest.mark.parametrize("kind", ["hang", "drip"])
async def test_one_total_deadline_bounds_a_read_however_slowly_bytes_come(standin: StandIn, kind: str) -> None:
    standin.fault(kind, route="read")

    # The drip alone would take over ten seconds.
    assert await is_ever_awaited_within(2, lambda: fetch_thread_context_async("t1", timeout_ms=150))


async def test_the_pool_survives_thousands_of_cancelled_reads(standin: StandIn, settings: Settings) -> None:
    settings.MEMORY_DOWNGRADE_THRESHOLD = 1_000_000  # the guard would stop them after three
    standin.fault("hang", route="read")
    for _ in range(40):
        await asyncio.gather(*(fetch_thread_context_async(f"t{n}", timeout_ms=20) for n in range(30)))
    standin.clear()

    healthy = [await fetch_thread_context_async(f"h{n}", timeout_ms=20_000) for n in range(50)]

    assert all(meta["used"] for _, meta in healthy)


async def test_a_failed_read_is_not_tried_again_inline(standin: StandIn) -> None:
    standin.fault("status", route="read", status=503, count=1)
    before = standin.last_n()

    await fetch_thread_context_async("t1")

    assert len(standin.log(before)) == 1


async def test_reads_say_which_process_asks(standin: StandIn, settings: Settings) -> None:
    settings.PROCESS_ROLE = "web"
    before = standin.last_n()

    await fetch_thread_context_async("t1")

    assert [entry["caller"] for entry in standin.log(before)] == ["web"]


async def test_a_stopped_redis_skips_the_read_without_asking_zep(redis_server: RedisProcess, standin: StandIn) -> None:
    redis_server.stop()
    before = standin.last_n()

    context, meta = await fetch_thread_context_async("t1")

    assert context is None
    assert (meta["used"], meta["source"], meta["reason"]) == (False, "local", "state_unavailable")
    assert standin.log(before) == []


async def test_a_hanging_redis_costs_a_few_reads_their_budget_and_is_then_left_alone(
    redis_server: RedisProcess, announced: list[Event], settings: Settings
) -> None:
    settings.REDIS_BUDGET_MS = 20  # as on the web
    settings.REDIS_PAUSE_MS = 600_000
    redis_server.freeze()

    metas = [(await fetch_thread_context_async("t1"))[1] for _ in range(FAILURES_THAT_MATTER + 5)]

    assert {meta["reason"] for meta in metas} == {"state_unavailable"}
    unavailable = Counter(event.purpose for event in announced if isinstance(event, RedisUnavailable))
    assert unavailable == {"guard": FAILURES_THAT_MATTER, "context_cache": FAILURES_THAT_MATTER}


async def test_a_damaged_cache_entry_is_no_entry(redis_server: RedisProcess) -> None:
    redis.Redis.from_url(redis_server.url).set("mem:ctx:v1:t1:summary", '{"facts": 5')

    context, meta = await fetch_thread_context_async("t1")

    assert context == ThreadContext()
    assert meta["cached"] is False


async def test_a_first_turn_searches_the_users_facts_with_redacted_words(standin: StandIn) -> None:
    await remember("t1", "I need a 2 bedroom in Girne")

    context, meta = await fetch_thread_context_async(
        "brand-new", search=UserSearch(MEMORY_ID, "homes? call 0533 123 45 67")
    )

    assert meta["used"] is True
    assert context is not None
    assert any("Girne" in fact for fact in context.facts)


async def test_context_from_before_redaction_is_redacted_on_its_way_back(standin: StandIn) -> None:
    await remember("t1", "hello")
    await plant(standin, b"write to ayse@example.com")

    context, _ = await fetch_thread_context_async("t1")

    assert context is not None
    assert [message.text for message in context.recent] == ["hello", "write to [EMAIL]"]


@pytest.mark.parametrize(
    ("read", "write", "mode", "used"), [(False, False, "off", False), (False, True, "write_only", True)]
)
async def test_where_the_mode_forbids_reading_nobody_is_asked(
    standin: StandIn, settings: Settings, read: bool, write: bool, mode: str, used: bool
) -> None:
    settings.FLAG_ZEP_READ, settings.FLAG_ZEP_WRITE = read, write
    before = standin.last_n()

    context, meta = await fetch_thread_context_async("t1")

    assert context is None
    assert meta == {"used": used, "mode": mode, "source": "local", "reason": "disabled"}
    assert standin.log(before) == []


async def plant(standin: StandIn, content: bytes) -> None:
    """Put a message into Zep that did not come from us; `content` is the inside of a JSON string."""
    headers = {"Authorization": f"Api-Key {standin.api_key}", "Content-Type": "application/json"}
    body = b'{"messages": [{"role": "user", "role_type": "user", "content": "' + content + b'"}]}'
    async with httpx.AsyncClient() as client:
        await client.post(f"{standin.url}/api/v2/sessions/t1/memory", headers=headers, content=body)


async def cached(thread_id: str) -> None:
    """Wait until the fill that runs after the answer is done."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await context_cache.look_up(thread_id, "summary")).context is None:  # noqa: ASYNC110  # Redis tells nobody
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("body", ["[" * 100_000, '{"messages": [{"content": 5}], "relevant_facts": 7}', "null"])
async def test_an_answer_that_is_json_but_not_zeps_is_no_context(body: str, settings: Settings) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    settings.ZEP_BASE_URL = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    context, meta = await fetch_thread_context_async("t1")

    server.close()
    assert context is None
    assert meta["reason"] == "bad_response"


async def test_a_fact_with_a_lone_surrogate_does_no_harm(standin: StandIn) -> None:
    await remember("t1", "hello")
    await plant(standin, rb"in \ud800 Girne")

    _, meta = await fetch_thread_context_async("t1")

    assert meta["used"] is True


@pytest.mark.parametrize("damaged", [b"\xff\xfe{", b"[" * 100_000])
async def test_whatever_stands_in_the_cache_nothing_raises(redis_server: RedisProcess, damaged: bytes) -> None:
    redis.Redis.from_url(redis_server.url).set("mem:ctx:v1:t1:summary", damaged)

    _, meta = await fetch_thread_context_async("t1")

    assert meta["mode"] == "read_write"


async def test_a_search_whose_words_can_not_be_redacted_is_not_made(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("assistant.memory.redacted.redact_pii", broken)
    before = standin.last_n()

    context, meta = await fetch_thread_context_async("new", search=UserSearch(MEMORY_ID, "call 0533 123 45 67"))

    assert context is None
    assert meta["reason"] == "redaction_failed"
    assert standin.log(before) == []
