"""`python -m tests.drills.mutants MUTANT DRILL`: a drill's process in which one thing of the product is broken.

Each mutant is what its drill is there to notice. Settings that break something come by the environment, with `none`.
"""

import asyncio
import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ops.drills.steps
from ops.drills import __main__ as drills

IMPATIENT_SECONDS = float(os.environ.get("IMPATIENT_SECONDS", "5"))  # broken things do not get better by waiting
SLOW_SECONDS = 0.25


def put(path: str, value: object) -> None:
    """Replace an attribute of a module of the product, which is set up by now."""
    module, name = path.rsplit(".", 1)
    found = importlib.import_module(module)
    assert hasattr(found, name), path
    setattr(found, name, value)


def get(path: str) -> Any:
    module, name = path.rsplit(".", 1)
    return getattr(importlib.import_module(module), name)


def other_ids_at_zep() -> None:
    """Zep is told another uuid each time: nothing can be found again."""
    make = importlib.import_module("uuid").uuid4
    put("assistant.memory.outgoing.zep_message_id", lambda *_: make())


def the_gauge_never_changes() -> None:
    mode = get("assistant.memory.flags.MemoryMode")
    put("assistant.monitoring.collectors.effective", lambda *_: mode.READ_WRITE)


def series_are_born_late() -> None:
    get("assistant.monitoring.metrics.zep_write_failures").clear()


def nothing_is_cached() -> None:
    async def fill(*_: object) -> bool:
        return False

    put("assistant.memory.context_cache.fill", fill)


def nothing_is_forgotten() -> None:
    async def forget(*_: object, **__: object) -> str:
        return "0"

    put("assistant.memory.context_cache.forget", forget)


def slow_readers_win() -> None:
    script: str = get("assistant.memory.context_cache.FILL")
    put("assistant.memory.context_cache.FILL", "\n".join(line for line in script.splitlines() if "~=" not in line))


def a_success_is_not_told() -> None:
    put("assistant.memory.guard.must_be_told_of_success", lambda _: False)


def the_probe_never_passes() -> None:
    async def zep_answers() -> bool:
        return False

    put("assistant.memory.probe.zep_answers", zep_answers)


def a_hold_ends_by_itself() -> None:
    read_state, redis_now = get("assistant.memory.guard.read_state"), get("assistant.memory.guard.redis_now")

    async def read() -> Any:
        state = await read_state()
        is_over = state.forced is not None and state.forced.until < await redis_now()
        return replace(state, forced=None) if is_over else state

    put("assistant.memory.guard.read_state", read)


def holds_do_not_grow() -> None:
    put("assistant.memory.guard._hold", lambda: (2, 2, 0.5))


def nobody_waits() -> None:
    write_hold = importlib.import_module("assistant.memory.write_hold")

    async def admit() -> Any:
        return write_hold.Pass(write_hold.Admission.OPEN, "token")

    put("assistant.memory.write_hold.admit", admit)


def turns_are_slow_with_memory() -> None:
    nudge = get("assistant.turns.nudge_mirror")

    async def slowly(*arguments: object) -> None:
        await asyncio.sleep(SLOW_SECONDS)
        await nudge(*arguments)

    put("assistant.turns.nudge_mirror", slowly)


def none() -> None:
    """Broken by its settings."""


def main(mutant: str, *arguments: str) -> int:
    breaks: Callable[[], None] = globals()[mutant]

    def break_it() -> None:
        # Before the drill is imported, which takes them over.
        ops.drills.steps.SOON = ops.drills.steps.LATER = IMPATIENT_SECONDS
        breaks()

    return drills.main(list(arguments), before=break_it)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
