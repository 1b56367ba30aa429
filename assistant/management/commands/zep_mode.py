"""`manage.py zep_mode`: the memory's mode now and why, and an operator's hand on it."""

import secrets
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from kombu.exceptions import OperationalError

from assistant import loops
from assistant.management.operator import as_json, current_operator
from assistant.memory import asked_probes, steering
from assistant.memory.flags import DEFAULT_HOLD_SECONDS
from assistant.memory.mode_status import facts, lines
from assistant.redis_link import RedisDown

PROBE_WAIT_SECONDS = 20.0
PROBE_TASK = "workers.guard.probe_now"
PROBE_SAID = {
    "passed": "Zep answered; reads go on, unless only --clear ends the hold",
    "failed": "Zep did not answer as it should; the hold goes on",
    "not_forced": "nothing to recover: reads are not off",
    "not_due": "not probed: reads are switched off by the settings, or the guard's state is not there yet",
    "locked": "another probe is under way",
    "outlived": "the hold changed while the probe was under way",
}
PROBE_IS_AS_ASKED = ("passed", "not_forced")


class Command(BaseCommand):
    help = (
        "Show or steer the memory's mode. Without an option: --status. "
        "Exit code: 0 as asked, 1 could not, 2 wrong usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--status", action="store_true", help="mode, hold, streak, cache, heartbeats (the default)")
        what.add_argument("--force", metavar="REASON", help="stop reads in the whole cluster; writes go on")
        what.add_argument("--clear", action="store_true", help="let reads go on")
        what.add_argument("--invalidate", metavar="THREAD_ID", help="forget a thread's cached context")
        what.add_argument("--reset-failures", action="store_true", help="begin the streak of failed reads anew")
        what.add_argument("--probe", action="store_true", help="have the control worker probe now, due or not")
        parser.add_argument(
            "--ttl",
            type=_seconds,
            default=None,
            metavar="SECONDS",
            help=f"with --force: when the probe may end it; 0: until cleared (default: {DEFAULT_HOLD_SECONDS})",
        )
        parser.add_argument("--operator", default="", help="who is acting, for the audit (default: your login)")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["ttl"] is not None and options["force"] is None:
            raise CommandError("--ttl goes with --force", returncode=2)
        try:
            self._carry_out(options, options["operator"] or current_operator())
        except RedisDown:
            raise CommandError(
                "Redis does not answer; reads are off meanwhile. A --clear waits for the control worker."
            ) from None
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from None
        except steering.StateUnknown:
            raise CommandError("Redis has no state yet. Reads are off until the control worker makes it.") from None
        except DatabaseError as error:
            raise CommandError(f"The database refused: {type(error).__name__}") from None

    def _carry_out(self, options: dict[str, Any], by: str) -> None:
        if options["force"] is not None:
            self._force(options, by)
        elif options["clear"]:
            self._say(options, cleared=steering.clear(by=by))
        elif options["invalidate"] is not None:
            steering.invalidate(options["invalidate"], by=by)
            self._say(options, invalidated=options["invalidate"])
        elif options["reset_failures"]:
            steering.reset_failures(by=by)
            self._say(options, failures=0)
        elif options["probe"]:
            self._probe(options)
        else:
            self._status(options)

    def _force(self, options: dict[str, Any], by: str) -> None:
        seconds = DEFAULT_HOLD_SECONDS if options["ttl"] is None else options["ttl"]
        if not steering.force(options["force"], seconds, by=by):
            raise CommandError("Written down, not in force yet: the control worker carries it out. Reads are off.")
        self._say(options, forced=options["force"], ttl=seconds)

    def _probe(self, options: dict[str, Any]) -> None:
        question = secrets.token_hex(8)
        try:
            current_app.send_task(PROBE_TASK, (question,), queue="control")
        except (OperationalError, OSError) as error:
            raise CommandError(f"The broker does not take the question: {type(error).__name__}") from None
        outcome = loops.run(asked_probes.wait_for(question, PROBE_WAIT_SECONDS))
        if outcome is None:
            raise CommandError("The control worker did not answer. Is it running?")
        self._say(options, probe=outcome, means=PROBE_SAID.get(outcome, ""))
        if outcome not in PROBE_IS_AS_ASKED:
            raise SystemExit(1)

    def _status(self, options: dict[str, Any]) -> None:
        known = facts()
        self.stdout.write(as_json(known) if options["json"] else "\n".join(lines(known)))

    def _say(self, options: dict[str, Any], **done: object) -> None:
        self.stdout.write(as_json(done) if options["json"] else "  ".join(f"{n}={v}" for n, v in done.items()))


def _seconds(text: str) -> int:
    if not text.isdecimal() or int(text) > steering.LONGEST_HOLD_SECONDS:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds from 0 (until cleared) to 2592000 (30 days)")
    return int(text)
