"""Each fault as a client meets it."""

import asyncio
import json
import time

import httpx
import pytest
from pydantic.v1 import ValidationError
from zep_python import InternalServerError
from zep_python.client import AsyncZep
from zep_python.core.api_error import ApiError

from ops.waiting import PATIENCE_SECONDS, wait_until
from ops.zep_standin.faults import Kind
from ops.zep_standin.process import StandIn
from tests.ops.zep_standin.conftest import Say

BRIEF_S = 0.3
BRIEF = httpx.Timeout(PATIENCE_SECONDS, read=BRIEF_S)


@pytest.fixture
async def hasty(standin: StandIn) -> AsyncZep:
    """It waits for an answer but briefly; for being heard, as long as it takes."""
    return AsyncZep(base_url=standin.url, api_key=standin.api_key, timeout=BRIEF)  # type: ignore[arg-type]  # httpx's


async def stored(standin: StandIn) -> list[str]:
    """What the thread holds, once it holds anything: on a busy machine who is hasty gives up before that."""
    return await asyncio.to_thread(wait_until, lambda: standin.thread("s1").contents, "the message to be stored")


@pytest.mark.parametrize("status", [400, 403, 408, 418, 429, 503, 599])
async def test_a_status_is_answered_and_nothing_stored(zep: AsyncZep, standin: StandIn, say: Say, status: int) -> None:
    standin.fault("status", route="write", status=status)

    with pytest.raises(ApiError) as refused:
        await zep.memory.add("s1", messages=[say()])

    assert (refused.value.status_code, refused.value.body) == (status, {"message": "injected fault"})
    assert not standin.thread("s1").exists


def test_an_injected_401_is_the_plain_text_of_a_true_one(http: httpx.Client, standin: StandIn) -> None:
    standin.fault("status", status=401)

    answer = http.get("/users/u1")

    assert (answer.status_code, answer.text) == (401, "unauthorized\n")


async def test_an_injected_500_is_the_librarys_own_error(zep: AsyncZep, standin: StandIn) -> None:
    standin.fault("status", status=500)

    with pytest.raises(InternalServerError):
        await zep.memory.get("s1")


@pytest.mark.parametrize("retry_after", ["7", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_retry_after_is_sent_as_given(http: httpx.Client, standin: StandIn, retry_after: str) -> None:
    standin.fault("status", status=429, retry_after=retry_after)

    assert http.get("/users/u1").headers["retry-after"] == retry_after


async def test_a_delay_postpones_the_true_answer(zep: AsyncZep, standin: StandIn, say: Say) -> None:
    await zep.memory.add("s1", messages=[say("x")])
    standin.fault("delay", delay_ms=300)
    started = time.monotonic()

    memory = await zep.memory.get("s1")

    assert time.monotonic() - started >= 0.3
    assert [message.content for message in memory.messages or []] == ["x"]


async def test_a_delayed_write_is_stored_although_nobody_waits_for_it(
    hasty: AsyncZep, standin: StandIn, say: Say
) -> None:
    standin.fault("delay", delay_ms=5000, route="write")

    with pytest.raises(httpx.TimeoutException):
        await hasty.memory.add("s1", messages=[say("x")])

    assert await stored(standin) == ["x"]


async def test_a_hang_answers_nothing_and_stores_nothing(hasty: AsyncZep, standin: StandIn, say: Say) -> None:
    standin.fault("hang", route="write")

    with pytest.raises(httpx.TimeoutException):
        await hasty.memory.add("s1", messages=[say()])

    assert not standin.thread("s1").exists


async def test_store_then_hang_stores_and_answers_nothing(hasty: AsyncZep, standin: StandIn, say: Say) -> None:
    standin.fault("store_then_hang", route="write")

    with pytest.raises(httpx.TimeoutException):
        await hasty.memory.add("s1", messages=[say("x")])

    assert await stored(standin) == ["x"]


async def test_store_then_500_stores_and_fails(zep: AsyncZep, standin: StandIn, say: Say) -> None:
    standin.fault("store_then_500", route="write")

    with pytest.raises(InternalServerError):
        await zep.memory.add("s1", messages=[say("x")])

    assert standin.thread("s1").contents == ["x"]


def test_a_drip_is_the_true_answer_a_byte_at_a_time(http: httpx.Client, standin: StandIn) -> None:
    standin.fault("drip")
    arrivals = []

    with http.stream("GET", "/users/u1") as answer:
        for chunk in answer.iter_raw():
            arrivals.append((time.monotonic(), chunk))

    assert json.loads(b"".join(chunk for _, chunk in arrivals)) == {"message": "not found"}
    assert arrivals[-1][0] - arrivals[0][0] >= 0.1 * (len(b'{"message":"not found"}') - 2)


async def test_a_drip_outlives_a_timeout_that_counts_each_read(hasty: AsyncZep, standin: StandIn) -> None:
    standin.fault("drip")

    async def outlived() -> float:
        """How long it took; 0 where the machine stood still between two bytes."""
        started = time.monotonic()
        try:
            await hasty.memory.get("nowhere")
        except httpx.TimeoutException:
            return 0
        return time.monotonic() - started

    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (took := await outlived()):
            pass
    assert took > 3 * BRIEF_S


def test_a_reset_is_a_reset(http: httpx.Client, standin: StandIn) -> None:
    standin.fault("reset")

    with pytest.raises(httpx.ReadError, match="reset by peer"):
        http.get("/users/u1")


@pytest.mark.parametrize("kind", ["garbage", "empty"])
async def test_an_unreadable_answer_breaks_the_library(zep: AsyncZep, standin: StandIn, kind: str) -> None:
    standin.fault(kind)

    with pytest.raises((json.JSONDecodeError, ApiError, ValidationError)) as broken:
        await zep.memory.get("s1")

    assert getattr(broken.value, "status_code", 200) == 200


def test_an_empty_answer_is_a_200_without_a_body(http: httpx.Client, standin: StandIn) -> None:
    standin.fault("empty")

    answer = http.get("/users/u1")

    assert (answer.status_code, answer.content) == (200, b"")


def test_a_huge_answer_is_valid_json_beyond_eight_mebibytes(http: httpx.Client, standin: StandIn) -> None:
    standin.fault("huge")

    answer = http.get("/sessions/s1/memory")

    assert len(answer.content) > 8 * 1024 * 1024
    assert set(answer.json()) == {"messages", "relevant_facts"}


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_can_be_switched_on_and_off(standin: StandIn, kind: Kind) -> None:
    standin.fault(kind, status=500, delay_ms=1)
    assert [fault["kind"] for fault in standin.faults()] == [kind]

    standin.clear()

    assert standin.faults() == []


def test_a_count_ends_the_fault_by_itself(http: httpx.Client, standin: StandIn) -> None:
    standin.fault("status", status=503, count=2)

    assert [http.get("/users/u1").status_code for _ in range(3)] == [503, 503, 404]
    assert standin.faults() == []


@pytest.mark.parametrize(
    ("route", "statuses"), [("read", [503, 503, 201]), ("write", [404, 400, 503]), ("any", [503, 503, 503])]
)
def test_reads_are_gets_and_the_search(http: httpx.Client, standin: StandIn, route: str, statuses: list[int]) -> None:
    standin.fault("status", status=503, route=route)

    answers = [
        http.get("/users/u1"),
        http.post("/sessions/search", json={"text": "x"}),
        http.post("/users", json={"user_id": "u1"}),
    ]

    assert [answer.status_code for answer in answers] == statuses


def test_of_several_faults_the_first_that_matches_counts(http: httpx.Client, standin: StandIn) -> None:
    standin.fault("status", status=500, route="write")
    standin.fault("status", status=503, count=1)
    standin.fault("status", status=429)

    assert [http.get("/users/u1").status_code for _ in range(2)] == [503, 429]
    assert http.post("/users", json={}).status_code == 500


@pytest.mark.parametrize("prefix", ["/users", "/api/v2/users"])
def test_a_fault_can_be_narrowed_to_a_path(http: httpx.Client, standin: StandIn, prefix: str) -> None:
    standin.fault("status", status=503, path=prefix)

    assert http.get("/users/u1").status_code == 503
    assert http.get("/sessions/s1").status_code == 404


def test_a_fault_can_be_narrowed_to_a_caller(http: httpx.Client, standin: StandIn) -> None:
    standin.fault("status", status=503, caller="worker")

    assert http.get("/users/u1", headers={"X-Process-Role": "worker"}).status_code == 503
    assert http.get("/users/u1", headers={"X-Process-Role": "web"}).status_code == 404


def test_health_is_never_at_fault(standin: StandIn) -> None:
    standin.fault("status", status=503)

    assert httpx.get(f"{standin.url}/healthz").status_code == 200


async def test_many_hanging_requests_hold_up_nobody(hasty: AsyncZep, zep: AsyncZep, standin: StandIn) -> None:
    standin.fault("hang", count=20)
    hanging = [asyncio.create_task(hasty.memory.get("s1")) for _ in range(20)]
    await asyncio.gather(*hanging, return_exceptions=True)

    assert (await zep.memory.get("s1")).messages == []
    assert all(isinstance(task.exception(), httpx.TimeoutException) for task in hanging)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ({}, "kind"),
        ({"kind": "explode"}, "kind"),
        ({"kind": "hang", "route": "both"}, "route"),
        ({"kind": "status"}, "status"),
        ({"kind": "status", "status": 200}, "status"),
        ({"kind": "status", "status": "500"}, "status"),
        ({"kind": "status", "status": True}, "status"),
        ({"kind": "delay"}, "delay_ms"),
        ({"kind": "delay", "delay_ms": -1}, "delay_ms"),
        ({"kind": "hang", "count": 0}, "count"),
        ({"kind": "status", "status": 429, "retry_after": "soon"}, "retry_after"),
        ({"kind": "status", "status": 429, "retry_after": "1\r\nX: y"}, "retry_after"),
        ({"kind": "hang", "path": "users"}, "path"),
        ({"kind": "hang", "caller": 1}, "caller"),
        ({"kind": "hang", "surprise": 1}, "surprise"),
    ],
    ids=str,
)
def test_a_meaningless_fault_is_refused_with_the_field_and_the_rule(standin: StandIn, body: object, field: str) -> None:
    answer = httpx.post(f"{standin.url}/_standin/faults", json=body)

    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field
    assert answer.json()["error"]["rule"]
    assert standin.faults() == []


def test_a_fault_that_is_no_json_is_refused(standin: StandIn) -> None:
    answer = httpx.post(f"{standin.url}/_standin/faults", content=b"{")

    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "body")
