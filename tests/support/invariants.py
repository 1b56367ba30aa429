"""What must hold of the mirror whatever happened: checked from outside, over Zep's log and threads and the database.

Every accepted message is at Zep exactly once, redacted, in its thread's order; nothing else is there; and no personal
data in the clear is anywhere but in the messages' own text. Shares no code with the product, so that it cannot share
its mistakes: rows are read with plain SQL. Texts are never repeated in a report.

    python -m tests.support.invariants --standin URL --database URL [--redis URL] [--canary TEXT]… [--log FILE]…
"""

import argparse
import base64
import json
import re
import sqlite3
import sys
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import psycopg
import redis
from psycopg.rows import dict_row

from ops.zep_standin.client import HeldThread, StandInClient

Row = dict[str, Any]
NAMESPACE = uuid.UUID("5f0f4a3c-6b1e-5c3e-9a53-0d6f6d2b7a11")
PART_CHARACTERS = 2_500
CREATED, BAD_REQUEST, SERVER_ERROR = 201, 400, 500
NEVER_ARRIVES = frozenset({"dead", "held"})
MAY_BE_THERE = frozenset({"conflict"})  # the id is Zep's with another text: that is the reason it is dead
RAW_COLUMNS = frozenset({"assistant_message.text"})
WAITING = ("pending", "in_flight")
SHOWN = 20


def query(database_url: str, statement: str) -> list[Row]:
    """Run one statement on SQLite or PostgreSQL, commit, and return its rows."""
    if database_url.startswith("sqlite:"):
        path = database_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(statement)]
    with psycopg.connect(database_url, row_factory=dict_row) as connected:
        cursor = connected.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


@dataclass(frozen=True)
class Violation:
    """`kind`: a word for what is wrong; `where`: thread, message or place."""

    kind: str
    where: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}"


@dataclass
class Report:
    """What was looked at, and what is wrong with it. Its text is for people; no message's text is in it."""

    counts: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.violations

    def blame(self, kind: str, where: object) -> None:
        self.violations.append(Violation(kind, str(where)))

    def as_json(self) -> dict[str, Any]:
        kinds = Counter(violation.kind for violation in self.violations)
        return {"counts": dict(self.counts), "violations": dict(kinds), "where": [str(v) for v in self.violations]}

    def __str__(self) -> str:
        counted = " ".join(f"{name}={count}" for name, count in sorted(self.counts.items()))
        shown = [f"  {violation}" for violation in self.violations[:SHOWN]]
        more = len(self.violations) - SHOWN
        return "\n".join(
            [f"{len(self.violations)} violations; {counted}", *shown, *([f"  … {more} more"] * (more > 0))]
        )


@dataclass(frozen=True)
class Expectations:
    """What this run may show.

    `redacted`: the text that Zep must have for a row's text; None where nobody says. `may_die`: kinds of dead letters
    that the run's faults explain. `complete`: nothing may still wait. `may_hold`: held messages are in order.
    `canaries`: personal data that was said; `allowed_columns`: the `table.column`s where it belongs. `after`: where the
    run begins in Zep's log.
    """

    redacted: Callable[[str], str] | None = None
    may_die: frozenset[str] = frozenset()
    complete: bool = True
    may_hold: bool = False
    canaries: Sequence[str] = ()
    allowed_columns: frozenset[str] = RAW_COLUMNS
    after: int = 0


def check(
    standin: StandInClient,
    database_url: str,
    expected: Expectations | None = None,
    *,
    redis_url: str = "",
    files: Iterable[Path] = (),
    task_arguments: Iterable[object] = (),
) -> Report:
    """Check everything. `files`: process logs, Zep's data file, whatever else was written."""
    expected = expected or Expectations()
    report = Report()
    rows = _rows(database_url)
    held = {thread["session_id"]: standin.thread(thread["session_id"]) for thread in standin.threads()}
    log = standin.log(expected.after)
    _check_rows(report, rows, expected)
    _check_zep(report, rows, held, expected)
    _check_owners(report, query(database_url, OWNERS), held)
    _check_log(report, log)
    if expected.canaries:
        places = {"zep log": json.dumps(log), "task arguments": repr(list(task_arguments))}
        places |= {f"zep thread {name}": json.dumps(thread.messages) for name, thread in held.items()}
        places |= {f"file {path}": path.read_bytes().decode("utf-8", "replace") for path in files if path.is_file()}
        places |= redis_content(redis_url) if redis_url else {}
        places |= _columns(database_url, expected.allowed_columns)
        look_for_canaries(report, places, expected.canaries)
    return report


# Rows

MESSAGES = """
SELECT m.*, m.thread_id AS thread FROM assistant_message m ORDER BY m.thread_id, m.sequence
"""
OWNERS = """
SELECT t.id, t.last_sequence, t.lease_until, u.memory_id
FROM assistant_thread t JOIN assistant_user u ON u.id = t.user_id
"""


def _rows(database_url: str) -> list[Row]:
    rows = query(database_url, MESSAGES)
    for row in rows:
        row["client_msg_id"] = uuid.UUID(str(row["client_msg_id"]))
    return rows


def zep_uuid(row: Mapping[str, Any], part: int = 1) -> str:
    """The uuid that a part of the message must have at Zep."""
    name = f"{row['thread_id']}:{row['client_msg_id']}"
    return str(uuid.uuid5(NAMESPACE, name if part == 1 else f"{name}:{part}"))


def _check_rows(report: Report, rows: Sequence[Row], expected: Expectations) -> None:
    """Places are 1, 2, 3, … in each thread; every message has come to an end that the run explains."""
    places: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        places[row["thread_id"]].append(row["sequence"])
        report.counts["accepted"] += 1
        report.counts[row["mirror_state"]] += 1
        who = f"{row['thread_id']}#{row['sequence']}"
        if row["mirror_state"] in WAITING and expected.complete:
            report.blame("not_mirrored", f"{who} {row['mirror_state']} {_word(row['mirror_error'])}")
        if row["mirror_state"] == "held" and not expected.may_hold:
            report.blame("held", f"{who} {_word(row['mirror_error'])}")
        if row["mirror_state"] == "dead" and row["mirror_error"] not in expected.may_die:
            report.blame("dead_without_cause", f"{who} {_word(row['mirror_error'])}")
        if row["mirror_state"] == "mirrored" and row["outgoing_parts"] not in (None, "null"):
            report.blame("redacted_copy_kept", who)
    for thread_id, sequences in places.items():
        if sequences != list(range(1, len(sequences) + 1)):
            report.blame("gap_in_sequence", thread_id)
    report.counts["threads"] = len(places)


def _word(kind: str) -> str:
    """The error's kind, as long as it is one: a report repeats nobody's text."""
    return kind if re.fullmatch(r"[a-z0-9_]*", kind) else "(not a kind)"


# Zep's threads


def _check_zep(report: Report, rows: Sequence[Row], held: Mapping[str, HeldThread], expected: Expectations) -> None:
    by_thread: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_thread[row["thread_id"]].append(row)
    for thread_id, thread in held.items():
        if thread_id not in by_thread and thread.messages:
            report.blame("thread_without_rows", thread_id)
    for thread_id, accepted in by_thread.items():
        nobody = HeldThread(thread_id, exists=False, user_id=None, messages=[], facts=[])
        _check_thread(report, accepted, held.get(thread_id, nobody), expected)


def _check_thread(report: Report, rows: Sequence[Row], thread: HeldThread, expected: Expectations) -> None:
    arrived: dict[str, list[tuple[int, Row]]] = defaultdict(list)
    for place, message in enumerate(thread.messages):
        arrived[(message["metadata"] or {}).get("client_msg_id", "?")].append((place, message))
    report.counts["at_zep"] += len(thread.messages)
    for unknown in arrived.keys() - {str(row["client_msg_id"]) for row in rows}:
        report.blame("at_zep_without_a_row", f"{thread.session_id} {unknown}")
    in_order: list[tuple[int, str]] = []
    for row in rows:
        parts = arrived.get(str(row["client_msg_id"]), [])
        _check_message(report, row, [message for _, message in parts], expected)
        if parts and row["replayed_at"] is None:
            in_order += [(place, f"{thread.session_id}#{row['sequence']}") for place, _ in parts]
        if parts and row["replayed_at"] is not None:
            came_late = _came_after_replay(row, [message for _, message in parts])
            report.counts["late" if came_late else "arrived_although_dead"] += 1
    for (before, _), (after, who) in pairwise(in_order):
        if after < before:
            report.blame("out_of_order", who)


def _check_message(report: Report, row: Row, parts: Sequence[Row], expected: Expectations) -> None:
    """One row, and all that Zep has of it, in the order of arrival."""
    who = f"{row['thread_id']}#{row['sequence']}"
    if row["mirror_state"] in NEVER_ARRIVES:
        if parts and row["mirror_error"] not in MAY_BE_THERE:
            report.blame(f"{row['mirror_state']}_but_at_zep", f"{who} {_word(row['mirror_error'])}")
    elif parts:
        for wrong in _wrong_with(row, parts, expected):
            report.blame(wrong, who)
    elif row["mirror_state"] == "mirrored":
        report.blame("lost", who)


def _wrong_with(row: Row, parts: Sequence[Row], expected: Expectations) -> Iterator[str]:
    numbers = list(range(1, len(parts) + 1))
    if [part["uuid"] for part in parts] != [zep_uuid(row, number) for number in numbers]:
        yield "duplicated_or_shuffled_parts"
    if {part["role_type"] for part in parts} != {row["role"]}:
        yield "wrong_role"
    if len(parts) > 1 and [part["metadata"].get("part") for part in parts] != numbers:
        yield "parts_not_numbered"
    must_be_marked = row["replayed_at"] is not None and row["mirror_state"] == "mirrored"
    if must_be_marked and not all(part["metadata"].get("late") for part in parts):
        yield "late_but_not_marked"
    text = "".join(part["content"] for part in parts)
    if expected.redacted is not None and text != expected.redacted(row["text"]):
        yield "wrong_text"


def _came_after_replay(row: Row, parts: Sequence[Row]) -> bool:
    """False where a stalled worker's call brought the dead letter before the replay did."""
    return _moment(parts[0]["created_at"]) >= _moment(row["replayed_at"])


def _moment(value: object) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _check_owners(report: Report, owners: Iterable[Row], held: Mapping[str, HeldThread]) -> None:
    """Community Edition makes a session without its user from a message that comes first, and it stays so."""
    for owner in owners:
        thread = held.get(owner["id"])
        if thread is not None and thread.messages and thread.user_id != str(uuid.UUID(str(owner["memory_id"]))):
            report.blame("message_before_user_and_session", f"{owner['id']} belongs to {thread.user_id}")


# Zep's log


def _check_log(report: Report, log: Sequence[Row]) -> None:
    """No message was taken twice. Counted besides: sendings again without reading back first."""
    taken: Counter[str] = Counter()
    unsettled: set[str] = set()  # sent, and by what Zep did they may be there
    for entry in log:
        report.counts["calls"] += 1
        if entry["method"] == "GET":
            unsettled.discard(entry["path"].rpartition("/")[2])
        for sent in entry.get("message_uuids") or ():
            report.counts["sent"] += 1
            report.counts["sent_again_unread"] += sent in unsettled
            if entry["status"] == CREATED:
                taken[sent] += 1
            if not BAD_REQUEST <= (entry["status"] or SERVER_ERROR) < SERVER_ERROR:
                unsettled.add(sent)
    for twice in (sent for sent, count in taken.items() if count > 1):
        report.blame("taken_twice", twice)


# Personal data


def look_for_canaries(report: Report, places: Mapping[str, str], canaries: Iterable[str]) -> None:
    """Blame every place where one of the canaries is, in the clear or as URLs and JSON spell it."""
    spellings = {canary: _spellings(canary) for canary in canaries}
    report.counts["places_searched"] = len(places)
    for place, content in places.items():
        if any(spelling in content for each in spellings.values() for spelling in each):
            report.blame("personal_data", _without(place, spellings))


def _without(place: str, spellings: Mapping[str, set[str]]) -> str:
    for each in spellings.values():
        for spelling in each:
            place = place.replace(spelling, "…")
    return place


def _spellings(canary: str) -> set[str]:
    escaped = json.dumps(canary)[1:-1]
    return {canary, quote(canary), quote(canary, safe=""), escaped, json.dumps(escaped)[1:-1]}


def _columns(database_url: str, allowed: frozenset[str]) -> dict[str, str]:
    """The content of every column of every table, but for those where personal data belongs."""
    contents: dict[str, list[str]] = defaultdict(list)
    for table in _tables(database_url):
        for row in query(database_url, f'SELECT * FROM "{table}"'):  # noqa: S608  # a name from the database itself
            for column, value in row.items():
                if f"{table}.{column}" not in allowed and value is not None:
                    contents[f"{table}.{column}"].append(
                        value if isinstance(value, str) else json.dumps(value, default=str)
                    )
    return {f"column {name}": "\n".join(values) for name, values in contents.items()}


def _tables(database_url: str) -> list[str]:
    if database_url.startswith("sqlite:"):
        statement = "SELECT name FROM sqlite_master WHERE type = 'table'"
    else:
        statement = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
    return [row["name"] for row in query(database_url, statement)]


def redis_content(url: str) -> dict[str, str]:
    """Every key of a Redis with its value, whatever its type; the bodies of queued tasks decoded."""
    client = redis.Redis.from_url(url, decode_responses=True, encoding_errors="replace")
    with closing(client):
        values = {key: [_decoded(each) for each in _values(client, key)] for key in client.scan_iter()}
    return {f"redis {key}": "\n".join([key, *found]) for key, found in values.items()}


def _values(client: "redis.Redis", key: str) -> Iterator[str]:
    readers: dict[str, Callable[[], object]] = {
        "string": lambda: client.get(key),
        "hash": lambda: client.hgetall(key),
        "set": lambda: client.smembers(key),
        "list": lambda: client.lrange(key, 0, -1),
        "zset": lambda: client.zrange(key, 0, -1, withscores=True),
        "stream": lambda: client.xrange(key),
    }
    value = readers.get(cast(str, client.type(key)), lambda: None)()
    for each in value if isinstance(value, list) else [value]:
        yield from each.values() if isinstance(each, dict) else [str(each)]


def _decoded(value: str) -> str:
    """The value, and where it is a task on its way the body that it hides in base64."""
    try:
        body = _body_of(json.loads(value))
    except ValueError:
        return value
    return f"{value}\n{body}"


def _body_of(message: object) -> str:
    if isinstance(message, list) and message:  # kombu keeps unacknowledged ones as [message, exchange, key]
        return _body_of(message[0])
    if not isinstance(message, dict) or not isinstance(message.get("body"), str):
        return ""
    return base64.b64decode(message["body"], validate=True).decode("utf-8", "replace")


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a system that is at rest; 0 where nothing is wrong."""
    parser = argparse.ArgumentParser("python -m tests.support.invariants", description="Check the mirror's invariants.")
    parser.add_argument("--standin", required=True, metavar="URL")
    parser.add_argument("--database", required=True, metavar="URL")
    parser.add_argument("--redis", default="", metavar="URL")
    parser.add_argument("--canary", action="append", default=[], metavar="TEXT")
    parser.add_argument("--may-die", action="append", default=[], metavar="KIND")
    parser.add_argument("--log", action="append", default=[], type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    expected = Expectations(may_die=frozenset(options.may_die), canaries=options.canary)
    client = StandInClient(options.standin)
    report = check(client, options.database, expected, redis_url=options.redis, files=options.log)
    sys.stdout.write(f"{report}\n")
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
