"""`manage.py zep_drill NAME|all`: rehearse the memory's troubles now, in a process of their own."""

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from assistant.drills import rehearsal, runs
from assistant.drills.catalogue import DRILLS, LIMIT_SECONDS, Step
from assistant.management.operator import as_json, current_operator
from assistant.models import DrillRun

ALL = "all"
NOT_PASSED = 1
LOOK_SECONDS = 0.5


class Command(BaseCommand):
    help = (
        "Run drills: the product's code against a database, a Redis and a Zep stand-in of their own. Of the running "
        "system nothing is touched but the row of the run. Exit code: 0 passed, 1 failed or broken, 2 wrong usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("drill", nargs="?", choices=(*DRILLS, ALL), metavar="NAME|all", help="see --list")
        parser.add_argument("--list", action="store_true", help="the drills, and how each last ended")
        parser.add_argument("--json", action="store_true", help="one JSON object a line, one line a drill")
        parser.add_argument("--operator", default="", help="who is acting, for the record (default: your login)")

    def handle(self, *_: Any, **options: Any) -> None:
        self._as_json: bool = options["json"]
        if options["list"]:
            self._list()
            return
        if options["drill"] is None:
            raise CommandError("name a drill, or all; --list shows them", returncode=2)
        names = list(DRILLS) if options["drill"] == ALL else [options["drill"]]
        ended = [self._run(name, options["operator"] or current_operator()) for name in names]
        passed = [run for run in ended if run.outcome == DrillRun.Outcome.PASSED]
        if not self._as_json and len(ended) > 1:
            self.stdout.write(f"{len(passed)} of {len(ended)} drills passed")
        if len(passed) < len(ended):
            sys.exit(NOT_PASSED)

    def _run(self, drill: str, by: str) -> DrillRun:
        if not self._as_json:
            self.stdout.write(f"{drill}: {DRILLS[drill]}")
        run = self._when_it_is_our_turn(drill, by)
        if self._as_json:
            self.stdout.write(as_json(_facts(run)))
        else:
            self.stdout.write(f"{drill}: {run.outcome} in {_seconds(run):.1f} s\n\n")
        self.stdout.flush()
        return run

    def _when_it_is_our_turn(self, drill: str, by: str) -> DrillRun:
        """Another drill may be under way, here or elsewhere: it ends, or is given up, within its limit."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while True:
            try:
                return rehearsal.carry_out(drill, by=by, tell=self._tell)
            except runs.AnotherDrillRuns as other:
                if time.monotonic() > deadline:
                    raise CommandError(f"{other}; drills run one at a time") from None
                time.sleep(LOOK_SECONDS)

    def _tell(self, step: Step) -> None:
        if not self._as_json:
            verdict = "PASS" if step.ok else "FAIL"
            self.stdout.write(f"  {verdict} {step.ms:7.0f} ms  {step.name}")
            self.stdout.write(
                f"                   expected: {step.expected}\n                   actual:   {step.actual}"
            )
            self.stdout.flush()

    def _list(self) -> None:
        latest = runs.latest()
        for name, what in DRILLS.items():
            run = latest.get(name)
            if self._as_json:
                self.stdout.write(as_json({"drill": name, "rehearses": what, "last": _facts(run) if run else None}))
                continue
            self.stdout.write(f"{name:22} {what}\n{'':22} {_last(run)}")


def _facts(run: DrillRun) -> dict[str, object]:
    names = ("drill", "outcome", "started_at", "finished_at", "host", "by", "steps")
    return {name: getattr(run, name) for name in names} | {"seconds": round(_seconds(run), 1)}


def _last(run: DrillRun | None) -> str:
    return f"last: {run.outcome}, {run.started_at:%Y-%m-%d %H:%M:%S} UTC on {run.host}" if run else "never run"


def _seconds(run: DrillRun) -> float:
    return (run.finished_at - run.started_at).total_seconds() if run.finished_at else 0.0
