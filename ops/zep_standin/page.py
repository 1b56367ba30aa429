"""The page at the root, for a person who wants to look: plain HTML, everything escaped; pure text."""

from collections.abc import Sequence
from html import escape
from typing import Any

from ops.zep_standin.wire import Json, timestamp

_HEAD = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Zep stand-in</title><style>'
    "body{font:14px/1.5 system-ui,sans-serif;margin:2rem;max-width:80rem}"
    "table{border-collapse:collapse;width:100%}td,th{border:1px solid #ccc;padding:.2rem .5rem;"
    "text-align:left;vertical-align:top;overflow-wrap:anywhere}</style><h1>Zep stand-in</h1>"
)
_LOG_COLUMNS = ("n", "at", "caller", "method", "path", "status")
_MESSAGE_COLUMNS = ("created_at", "role_type", "role", "content", "uuid")


def render(total: int, contents: Sequence[Json], faults: Sequence[Json], entries: Sequence[Json]) -> str:
    """Return the page: `contents` of `total` threads, active faults, the last log entries; newest first."""
    held = "".join(_thread(content) for content in contents) or "<p>None.</p>"
    switched_on = "".join(f"<li><code>{escape(str(fault))}</code></li>" for fault in faults)
    lines = [entry | {"at": timestamp(entry["at"]), "status": _status(entry["status"])} for entry in entries]
    return (
        f"{_HEAD}<h2>Active faults</h2><ul>{switched_on or '<li>None.</li>'}</ul>"
        f"<h2>Threads ({len(contents)} newest of {total})</h2>{held}<h2>Last requests</h2>{_table(lines, _LOG_COLUMNS)}"
    )


def _thread(content: Json) -> str:
    title = f"{content['session_id']} ({content['user_id'] or 'no user'}): {len(content['messages'])} messages"
    facts = "".join(f"<li>{escape(fact)}</li>" for fact in content["facts"])
    table = _table(content["messages"], _MESSAGE_COLUMNS)
    return f"<details><summary>{escape(title)}</summary><ul>{facts}</ul>{table}</details>"


def _table(rows: Sequence[Json], columns: Sequence[str]) -> str:
    head = "".join(f"<th>{column}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(_cell(row[column]) for column in columns)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(value: Any) -> str:
    return f"<td>{escape(str(value))}</td>"


def _status(status: int | None) -> str:
    return "no answer" if status is None else str(status)
