"""What is still known after 300 turns, before and after archiving, with Zep and without (`PART=archive_recall`).

The wish is said in the first turn and changed once in the 150th; all other turns are about living here. After the last
the assistant is asked to search: does it look for the right place, rent, bedrooms and budget? Before archiving and
without Zep it goes by the twenty newest messages alone, where none of that is; this is what the summary is for.
"""

import argparse
import json
import logging
from collections.abc import Mapping, Sequence
from uuid import uuid4

import uvloop
from asgiref.sync import sync_to_async
from django.test.utils import override_settings

from assistant.archive import archiving
from assistant.conversation import ThreadRef
from assistant.memory import mirror, outbox, recovery
from assistant.models import User
from assistant.turns import take_turn
from ops.bench.goals import Goal, show
from ops.redis_process import RedisProcess
from ops.zep_standin.process import StandIn

TURNS, CHANGED_AT = 300, 150
WISH = "I need a 2 bedroom flat to rent in Girne, at most £700 a month"
CHANGE, QUESTION = "make it 3 bedrooms", "show me flats"
SMALL_TALK = ("How do I get a residence permit?", "hello", "Which banks are there?", "thanks", "How are the buses?")
WANTED: Mapping[str, object] = {"place": "Girne", "bedrooms": 3, "max_price_gbp": 700, "tenure": "rent"}
THREAD = "recall"
WITHOUT_ZEP = {"FLAG_ZEP_READ": False}
WITH_ZEP = {"ZEP_READ_BUDGET_MS": 5_000}  # what is known is measured, not how busy the machine is


def main(argv: list[str], _redis: RedisProcess, _standin: StandIn) -> int:
    """Print a row for each situation; 1 where something is forgotten after archiving."""
    parser = argparse.ArgumentParser(prog="python -m ops.bench archive_recall", description=__doc__)
    parser.add_argument("--turns", type=int, default=TURNS, help=f"of the conversation (default: {TURNS})")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(argv)
    logging.disable(logging.CRITICAL)
    with override_settings(REDIS_BUDGET_MS=2_000):
        rows = uvloop.run(_measured(options.turns))
    for row in rows:
        line = json.dumps(row) if options.json else "  ".join(f"{name}={value}" for name, value in row.items())
        print(line, flush=True)
    after = [row for row in rows if row["when"] == "after"]
    goals = [
        Goal(f"known after archiving, {row['zep']} Zep", int(str(row["known"])), len(WANTED), "of 4", at_least=True)
        for row in after
    ]
    show(goals, as_json=options.json)
    return int(not all(goal.is_met for goal in goals))


async def _measured(turns: int) -> Sequence[Mapping[str, object]]:
    await sync_to_async(recovery.keep_state)()
    user = await User.objects.acreate(username="recall")
    with override_settings(**WITHOUT_ZEP):
        for number in range(turns):
            await take_turn(ThreadRef(user, THREAD), _said(number), uuid4())
    await sync_to_async(_mirror)()
    rows = [await _asked(user, "before", zep) for zep in ("without", "with")]
    await sync_to_async(_mirror)()
    await sync_to_async(archiving.archive_now)(THREAD, "bench")
    rows += [await _asked(user, "after", zep) for zep in ("without", "with")]
    return rows


async def _asked(user: User, when: str, zep: str) -> Mapping[str, object]:
    """What the assistant searches for when it is asked now."""
    with override_settings(**WITHOUT_ZEP if zep == "without" else WITH_ZEP):
        turn = await take_turn(ThreadRef(user, THREAD), QUESTION, uuid4())
    rich = turn.reply.rich or {}
    search = rich.get("search")
    found = search if isinstance(search, Mapping) else {}
    knows = {name: found.get(name) for name in WANTED}
    known = sum(knows[name] == value for name, value in WANTED.items())
    trace = {name: turn.reply.memory_trace.get(name) for name in ("used", "reason", "summary")}
    return {"when": when, "zep": zep, "known": known} | knows | trace


def _said(number: int) -> str:
    if number == 0:
        return WISH
    return CHANGE if number == CHANGED_AT else SMALL_TALK[number % len(SMALL_TALK)]


def _mirror() -> None:
    while outbox.backlog()[0]:
        mirror.drain(THREAD)
