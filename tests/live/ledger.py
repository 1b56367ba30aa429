"""People who talk to a running system and keep their own books: what they sent, what they were answered, when.

Knows HTTP answers, the stand-in's log and the rows of the database; no metric. Panels are held against it.
"""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from threading import Lock
from typing import Any

import httpx

from ops.waiting import PATIENCE_SECONDS, wait_until
from tests.acceptance.system import Person, System, new_id
from tests.support.processes import ROOT

Json = dict[str, Any]
TALKERS, THREADS_EACH, TURNS_EACH = 4, 2, 6
PHONE, EMAIL, ADDRESS = "0533 871 92 64", "canary.kuslar@example.com", "12 Baker Street"
SAID: tuple[tuple[str, Json], ...] = (
    ("I need a 2 bedroom in Girne", {}),
    (f"call me on {PHONE}", {"phone": 1}),
    ("under 700 gbp", {}),
    (f"write to {EMAIL} or {PHONE}", {"email": 1, "phone": 1}),
    (f"I live at {ADDRESS}", {"address": 1}),
    ("with a sea view", {}),
)
CONTEXT_FAILURES = {"auth", "timeout", "connection", "bad_response", "rate_limited"}
WRITES = (
    ("ensure_user", re.compile(r"(POST|GET) /api/v2/users(/[^/]+)?")),
    ("ensure_thread", re.compile(r"(POST|GET) /api/v2/sessions(/[^/]+)?")),
    ("add_messages", re.compile(r"(POST /api/v2/sessions/[^/]+/memory|PATCH /api/v2/sessions/[^/]+/messages/[^/]+)")),
    ("read_back", re.compile(r"GET /api/v2/sessions/[^/]+/messages/[^/]+")),
)
BAD_REQUEST, NOT_FOUND = 400, 404
OVERHEAD_MS = 25  # that memory may take beside the budget of its read


@dataclass
class Ledger:
    """What happened, as those know it who made it happen."""

    late_seconds: float  # memory that takes a turn longer is over its budget
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    turns: Counter[str] = field(default_factory=Counter)  # by what their memory came to
    over_budget: int = 0
    perhaps_over_budget: int = 0  # a turn of which nobody outside knows what of its time memory took
    hits: int = 0
    reads: list[float] = field(default_factory=list)  # seconds
    failures: Counter[str] = field(default_factory=Counter)
    redactions: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def note(self, answer: httpx.Response, hidden: Json) -> None:
        with self._lock:
            self.statuses[str(answer.status_code)] += 1
            self.seconds.append(answer.elapsed.total_seconds())
            if answer.status_code == httpx.codes.OK:
                self.redactions.update(hidden)
                self.perhaps_over_budget += answer.elapsed.total_seconds() > self.late_seconds
                self._note_memory(answer.json()["trace"]["memory"])

    def _note_memory(self, trace: Json) -> None:
        took = trace.get("took_ms", 0) / 1000
        self.turns["used" if trace["used"] else "stale" if trace.get("fallback") == "stale_cache" else "none"] += 1
        self.over_budget += took > self.late_seconds
        reason = _failure(trace)
        if trace.get("cached"):
            self.hits += 1
        elif reason or trace["source"] == "zep":
            self.reads.append(took)
            self.failures.update([reason] if reason else [])


def _failure(trace: Json) -> str:
    """Why the read of a turn failed, as metrics call it; empty where it did not, or nobody read."""
    reason = str(trace.get("reason", ""))
    if "until" in trace or trace["mode"] != "read_write":
        return ""
    return "http_5xx" if reason.startswith("http_5") else reason if reason in CONTEXT_FAILURES else ""


@dataclass
class Crowd:
    """Everybody who talks to one system, and the books they keep."""

    system: System
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        budget_ms = int(self.system.web.environment["ZEP_READ_BUDGET_MS"])
        self.ledger = Ledger(late_seconds=(budget_ms + OVERHEAD_MS) / 1000)

    def say(self, person: Person, message: str, hidden: Json | None = None, **more: str) -> httpx.Response:
        answer = person.post(message, **more)
        self.ledger.note(answer, hidden or {})
        return answer

    def talk(self) -> None:
        """Conversations of several people at once; each waits for its messages to arrive, now and then."""
        with ThreadPoolExecutor(TALKERS) as pool:
            list(pool.map(self._converse, range(TALKERS * THREADS_EACH)))

    def _converse(self, number: int) -> None:
        person, thread_id = (self.system.ayse, self.system.mehmet)[number % 2], new_id()
        for turn in range(TURNS_EACH):
            said, hidden = SAID[(number + turn) % len(SAID)]
            self.say(person, said, hidden, thread_id=thread_id)
            if turn % 3 == 0:
                self.system.wait_for_mirror(thread_id, 2 * (turn + 1))

    def knock_wrongly(self) -> None:
        """Requests that are refused, in each way that there is; the last until the rate limit refuses."""
        person = self.system.ayse
        thread_id = self.say(person, "Hello").json()["thread_id"]
        twice = new_id()
        for message in ("in girne", "in lapta"):
            self.say(person, message, thread_id=thread_id, client_msg_id=twice)
        self.say(self.system.mehmet, "whose is it", thread_id=thread_id)
        self.say(person, " ")
        self.say(Person(self.system.web_url, "wrong"), "let me in")
        self.say(person, "x" * 70_000)
        while self.ledger.statuses["429"] < 5:
            self.say(self.system.mehmet, "again", thread_id="again-and-again")

    @contextmanager
    def fault(self, kind: str, times: int | None, **more: Any) -> Iterator[None]:
        """Zep does this so often, and is well again afterwards."""
        before = self.system.standin.last_n()
        self.system.standin.fault(kind, **more, **({} if times is None else {"count": times}))
        try:
            yield
        finally:
            self.system.standin.clear()
            self.ledger.injected[f"{kind} {more.get('status', '')}".strip()] += times or sum(
                entry["status"] == more.get("status") for entry in self.system.standin.log(before)
            )

    def fail_reads(self) -> None:
        """Each kind of failure alone, with a read that works between them: none of them is a streak."""
        for kind, more in (("status", {"status": 500}), ("hang", {}), ("garbage", {}), ("reset", {})):
            with self.fault(kind, 1, route="read", caller="web", **more):
                self.say(self.system.ayse, "hello")
            self.say(self.system.ayse, "hello again")

    def trip(self, times: int, status: int) -> None:
        """So many reads in a row are refused, the guard is forced, and ended by the probe."""
        with self.fault("status", times, route="read", caller="web", status=status):
            for _ in range(times):
                self.say(self.system.ayse, "hello")
            self._wait_for_transitions(1)
        self._wait_for_transitions(0)
        wait_until(lambda: self.say(self.system.ayse, "back?").json()["trace"]["memory"]["used"], "reads to be back")

    def _wait_for_transitions(self, remainder: int) -> None:
        """Forced is every odd transition; by the probe's passing it is ended."""
        wait_until(
            lambda: self.downgrades().total() - self.recoveries().total() == remainder,
            "the guard to be " + ("forced" if remainder else "open"),
        )

    def steer(self) -> None:
        """An operator stops reads and lets them go on."""
        for arguments in (("--force", "drill"), ("--clear",)):
            run_command(self.system, "zep_mode", *arguments)
        self._wait_for_transitions(0)

    def fail_writes(self) -> None:
        """Three writes in a row are refused: the cluster holds its writes, until its canary gets through."""
        with self.fault("status", 3, route="write", caller="worker", status=503):
            for _ in range(3):
                self.say(self.system.ayse, "hello")
            wait_until(lambda: not self.system.standin.faults(), "three writes to be refused")
        self.wait_until_settled()

    def lose_a_message(self) -> None:
        """Zep refuses one thread's messages for good."""
        thread_id = new_id()
        with self.fault("status", None, route="write", path=f"/sessions/{thread_id}/memory", status=422):
            self.say(self.system.ayse, "hello", thread_id=thread_id)
            wait_until(lambda: self.system.database.states(thread_id) == ["dead"] * 2, "dead letters")

    # What others know: Zep's log, the database

    def wait_until_settled(self) -> None:
        wait_until(lambda: {*self.system.database.states()} <= {"mirrored", "dead"}, "messages to be mirrored")

    def reads_at_zep(self) -> int:
        return sum(entry["caller"] == "web" for entry in self.system.standin.log())

    def attempts(self) -> Counter[str]:
        return Counter(op for op, _ in self._writes())

    def requests(self) -> Counter[str]:
        """Logical operations: a second look at what exists already is the same one."""
        return Counter(op for op, e in self._writes() if not (op.startswith("ensure") and e["method"] == "GET"))

    def failed_attempts(self) -> int:
        """Refusals, but for those that are an answer: it exists already; there is no such message."""
        return sum(not _is_answer(op, entry) for op, entry in self._writes() if (entry["status"] or 500) >= BAD_REQUEST)

    def _writes(self) -> Iterator[tuple[str, Json]]:
        for entry in self.system.standin.log():
            asked = f"{entry['method']} {entry['path']}"
            for op, pattern in WRITES if entry["caller"] in ("worker", "control") else ():
                if pattern.fullmatch(asked):
                    yield op, entry

    def probes_passed(self) -> int:
        """Each ends with the control worker's read; where it first found nothing, it wrote something and read again."""
        asked = [entry["method"] for entry in self.system.standin.log() if entry["caller"] == "control"]
        return sum(method == "GET" and then == "GET" for method, then in pairwise([*asked, "GET"]))

    def downgrades(self) -> Counter[str]:
        """By their metric's reasons: what an operator did is `manual`, whatever reason was given."""
        rows = self._transitions("forced")
        return Counter(row["reason"] if row["by"] in ("guard", "probe") else "manual" for row in rows)

    def recoveries(self) -> Counter[str]:
        return Counter("probe" if row["by"] == "probe" else "operator" for row in self._transitions("open"))

    def _transitions(self, after: str) -> list[Json]:
        sql = """SELECT reason, "by" FROM assistant_modetransition WHERE "after" = ? AND epoch IS NOT NULL"""
        return self.system.database.query(sql, after)

    def lags(self) -> list[float]:
        """Seconds from commit to acknowledgement."""
        rows = self.system.database.query("SELECT created_at, mirrored_at FROM assistant_message")
        return [_instant(row["mirrored_at"]) - _instant(row["created_at"]) for row in rows if row["mirrored_at"]]

    def told_of(self, event: str) -> int:
        """How often the processes' logs say that it happened."""
        system = self.system
        return sum(child.logs().count(f'"event": "{event}"') for child in (system.web, system.worker.process))

    def dead(self) -> int:
        return self.system.database.states().count("dead")


def run_command(system: System, *arguments: str) -> str:
    """What `manage.py` with these arguments prints."""
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=system.environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _is_answer(op: str, entry: Json) -> bool:
    if op.startswith("ensure"):
        return bool(entry["method"] == "POST" and entry["status"] == BAD_REQUEST)
    return bool(op == "read_back" and entry["status"] == NOT_FOUND)


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def quantile_range(values: Iterable[float], share: float) -> tuple[float, float]:
    """Between which two of the values the quantile lies, whoever's definition of it one takes."""
    ordered = sorted(values)
    at = share * len(ordered)
    return ordered[max(0, int(at) - 2)], ordered[min(len(ordered) - 1, int(at) + 1)]
