"""`python -m ops.drills NAME`: one drill in this process. `manage.py zep_drill` runs it, and keeps the record.

Exit code: 0 passed, 1 failed, 2 wrong usage, 3 broken: it could not be carried out.
"""

import argparse
import importlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from typing import TextIO

from assistant.drills.catalogue import DRILLS, Step
from ops.drills.isolation import Servers, isolated
from ops.drills.steps import StepFailed, Steps

log = logging.getLogger(__name__)
PASSED, FAILED, BROKEN = 0, 1, 3
REMOVER = """
import shutil, sys, time
for _ in range(50):
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    time.sleep(0.2)
"""
OUTCOMES = {PASSED: "passed", FAILED: "failed", BROKEN: "broken"}


def main(argv: list[str], *, before: Callable[[], None] = lambda: None) -> int:
    """Run the named drill. `before` is called when the product is set up: tests break it there."""
    options = _parser().parse_args(argv)
    if options.list:
        print("\n".join(f"{name:22} {what}" for name, what in DRILLS.items()))
        return PASSED
    if options.drill is None:
        _parser().error("name a drill; --list shows them")
    if options.exit_with_parent:
        threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    out = _own_standard_output()
    code = _run(options.drill, before, _teller(out, as_json=options.json))
    print(f'{{"outcome": "{OUTCOMES[code]}"}}' if options.json else f"{options.drill}: {OUTCOMES[code]}", file=out)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops.drills", description=__doc__)
    parser.add_argument("drill", nargs="?", choices=tuple(DRILLS), metavar="NAME", help="see --list")
    parser.add_argument("--list", action="store_true", help="the drills")
    parser.add_argument("--json", action="store_true", help="a JSON object for each step, and one for the outcome")
    parser.add_argument("--exit-with-parent", action="store_true", help="end when standard input does")
    return parser


def _run(drill: str, before: Callable[[], None], tell: Callable[[Step], None]) -> int:
    """Import the drill when the product is set up: it reads its settings when it is imported."""
    try:
        with isolated() as servers:
            before()
            _rehearse(drill, servers, Steps(tell))
    except StepFailed:
        return FAILED
    except Exception as error:  # the process's own boundary: whatever broke is told, and is no verdict
        log.exception("drill_broken")
        tell(Step("The drill itself", "is carried out", type(error).__name__, 0.0, ok=False))
        return BROKEN
    return PASSED


def _rehearse(drill: str, servers: Servers, steps: Steps) -> None:
    importlib.import_module(f"ops.drills.{drill}").run(servers, steps)


def _teller(out: TextIO, *, as_json: bool) -> Callable[[Step], None]:
    def tell(step: Step) -> None:
        verdict = "PASS" if step.ok else "FAIL"
        more = "".join(f"\n{'':17}{name:10}{text}" for name, text in _found(step))
        text = f"{verdict} {step.ms:7.0f} ms  {step.name}{more}"
        print(step.to_json() if as_json else text, file=out, flush=True)

    return tell


def _found(step: Step) -> Iterable[tuple[str, str]]:
    return ("expected:", step.expected), ("actual:", step.actual)


def _own_standard_output() -> TextIO:
    """What the product logs goes to standard error: who reads the steps reads nothing else."""
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return own


def _end_with_parent() -> None:
    """Wait until whoever started this process is gone; then end, with what it started and what it wrote.

    The servers end with this process: they are on a leash, or end with their standard input. They write until then,
    one that was about to start even after, so the folder is removed by somebody who outlives them.
    """
    while os.read(0, 1024):
        pass
    if folder := os.environ.get("TMPDIR"):
        subprocess.Popen([sys.executable, "-ISc", REMOVER, folder], start_new_session=True)
    os._exit(BROKEN)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
