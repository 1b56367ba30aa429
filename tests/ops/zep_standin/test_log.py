"""The request log: what it tells, when, and what it never holds."""

import hashlib
import socket
import sqlite3
import time
from contextlib import closing
from uuid import uuid4

import httpx
import pytest

from ops.waiting import PATIENCE_SECONDS, wait_until
from ops.zep_standin.admin import is_loopback
from ops.zep_standin.process import StandIn


@pytest.fixture
def mark(standin: StandIn) -> int:
    """The number of the last entry before the test."""
    return standin.last_n()


def test_an_entry_tells_who_asked_what_and_what_was_answered(http: httpx.Client, standin: StandIn, mark: int) -> None:
    before, uuid, body = time.time(), str(uuid4()), b'{"messages": [{"uuid": "%s", "content": "secret"}]}'
    body = body.replace(b"%s", uuid.encode())

    http.post("/sessions/s1/memory", content=body, headers={"X-Process-Role": "worker"})

    (entry,) = standin.log(mark)
    assert before <= entry.pop("at") <= time.time()
    assert entry == {
        "n": mark + 1,
        "caller": "worker",
        "method": "POST",
        "path": "/api/v2/sessions/s1/memory",
        "status": 201,
        "body_sha256": hashlib.sha256(body).hexdigest(),
        "message_uuids": [uuid],
    }


def test_query_values_and_unknown_callers_stay_out(http: httpx.Client, standin: StandIn, mark: int) -> None:
    http.get("/sessions/s1/memory?lastn=3")

    (entry,) = standin.log(mark)
    assert (entry["path"], entry["caller"]) == ("/api/v2/sessions/s1/memory", "")
    assert "message_uuids" not in entry


def test_refused_requests_are_logged_too(standin: StandIn, http: httpx.Client, mark: int) -> None:
    httpx.get(f"{standin.url}/api/v2/users/u1")
    http.get("/nothing")
    http.post("/users", content=b"{")

    assert [entry["status"] for entry in standin.log(mark)] == [401, 404, 400]


def test_an_injected_status_is_logged_as_answered(http: httpx.Client, standin: StandIn, mark: int) -> None:
    standin.fault("status", status=429)

    http.get("/users/u1")

    assert [entry["status"] for entry in standin.log(mark)] == [429]


@pytest.mark.parametrize("kind", ["hang", "store_then_hang", "reset"])
def test_a_request_without_an_answer_has_no_status(http: httpx.Client, standin: StandIn, mark: int, kind: str) -> None:
    standin.fault(kind)

    with pytest.raises(httpx.HTTPError):
        http.get("/users/u1", timeout=httpx.Timeout(PATIENCE_SECONDS, read=0.2))

    entries = wait_until(lambda: standin.log(mark), "the request to be in the log")
    assert [entry["status"] for entry in entries] == [None]


@pytest.mark.parametrize(("kind", "status"), [("hang", None), ("delay", 201), ("store_then_hang", None)])
def test_a_request_is_in_the_log_while_it_waits(standin: StandIn, mark: int, kind: str, status: int | None) -> None:
    standin.fault(kind, delay_ms=60_000)
    with closing(socket.create_connection(("127.0.0.1", standin.port))) as waiting:
        body = b'{"user_id": "u1"}'
        head = f"POST /api/v2/users HTTP/1.1\r\nHost: x\r\nAuthorization: Api-Key {standin.api_key}\r\n"
        waiting.sendall(head.encode() + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

        entries = wait_until(lambda: standin.log(mark), "the request to be in the log")
        assert [entry["status"] for entry in entries] == [status]


def test_a_duplicate_batch_names_its_uuids(http: httpx.Client, standin: StandIn, mark: int) -> None:
    uuid = str(uuid4())
    for _ in range(2):
        http.post("/sessions/s1/memory", json={"messages": [{"uuid": uuid, "content": "x"}]})

    assert [(entry["status"], entry["message_uuids"]) for entry in standin.log(mark)] == [
        (201, [uuid]),
        (400, [uuid]),
    ]


def test_a_uuid_that_is_none_is_not_logged(http: httpx.Client, standin: StandIn, mark: int) -> None:
    http.post("/sessions/s1/memory", json={"messages": [{"uuid": "my secret"}, 3]})

    assert [entry["message_uuids"] for entry in standin.log(mark)] == [[]]


def test_neither_bodies_nor_keys_reach_the_file(http: httpx.Client, standin: StandIn) -> None:
    http.post("/users", json={"user_id": "u1", "surprise": "hidden words"})

    with closing(sqlite3.connect(standin.data)) as file:
        rows = repr(file.execute("SELECT * FROM log").fetchall())
    assert "hidden words" not in rows
    assert standin.api_key not in rows


def test_administration_and_health_are_not_logged(standin: StandIn, mark: int) -> None:
    for path in ("healthz", "", "_standin/threads", "_standin/faults", "_standin/log"):
        assert httpx.get(f"{standin.url}/{path}").status_code == 200

    assert standin.log(mark) == []


def test_the_log_is_paged(http: httpx.Client, standin: StandIn, mark: int) -> None:
    for _ in range(5):
        http.get("/users/u1")

    first = httpx.get(f"{standin.url}/_standin/log?after={mark}&limit=3").json()
    second = httpx.get(f"{standin.url}/_standin/log?after={first['next']}&limit=3").json()
    third = httpx.get(f"{standin.url}/_standin/log?after={second['next']}").json()

    numbers = [entry["n"] for page in (first, second) for entry in page["entries"]]
    assert numbers == [mark + n for n in range(1, 6)]
    assert third == {"entries": [], "next": mark + 5, "last": mark + 5}


@pytest.mark.parametrize("query", ["after=x", "limit=-1"])
def test_a_senseless_page_is_refused(standin: StandIn, query: str) -> None:
    assert httpx.get(f"{standin.url}/_standin/log?{query}").status_code == 422


def test_emptying_the_data_keeps_the_log(http: httpx.Client, standin: StandIn, mark: int) -> None:
    http.post("/users", json={"user_id": "u1"})

    standin.empty()

    assert http.get("/users/u1").status_code == 404
    assert len(standin.log(mark)) == 2


def test_threads_are_listed_with_user_and_count(http: httpx.Client, standin: StandIn) -> None:
    http.post("/sessions/s1/memory", json={"messages": [{"content": "a"}, {"content": "b"}]})

    assert standin.threads() == [{"session_id": "s1", "user_id": None, "message_count": 2}]


def test_an_unknown_thread_is_not_found(standin: StandIn) -> None:
    assert httpx.get(f"{standin.url}/_standin/threads/nowhere").status_code == 404
    assert not standin.thread("nowhere").exists


def test_the_page_shows_threads_faults_and_requests_and_escapes_them(http: httpx.Client, standin: StandIn) -> None:
    http.post("/sessions/s1/memory", json={"messages": [{"content": "<script>alert(1)</script>"}]})
    standin.fault("status", status=418, path="/<b>")

    page = httpx.get(standin.url).text

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>" not in page
    assert "/&lt;b&gt;" in page
    assert "/api/v2/sessions/s1/memory" in page


def test_an_unknown_endpoint_is_not_found(standin: StandIn) -> None:
    assert httpx.get(f"{standin.url}/_standin/nothing").status_code == 404


@pytest.mark.parametrize(
    ("peer", "own"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("", False),
        ("localhost", False),
    ],
)
def test_only_this_machine_is_loopback(peer: str, own: bool) -> None:
    assert is_loopback(peer) is own
