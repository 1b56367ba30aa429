"""Asking all checks side by side, within one total time, whatever hangs or breaks. Knows no check."""

import threading
import time
from collections.abc import Sequence

from django.db import connections

from assistant.doctor.findings import Check, Finding, failed

TOTAL_SECONDS = 12.0


def examine(checks: Sequence[Check], *, total_seconds: float = TOTAL_SECONDS) -> list[Finding]:
    """The findings in the order of the checks, after `total_seconds` at the latest.

    The threads are daemons: one that hangs for good does not keep the process from ending.
    """
    ends = time.monotonic() + total_seconds
    found: dict[str, list[Finding]] = {}
    threads = [(check, threading.Thread(target=_ask, args=(check, found), daemon=True)) for check in checks]
    for _, thread in threads:
        thread.start()
    for _, thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))
    return [finding for check in checks for finding in found.get(check.name) or [_late(check, total_seconds)]]


def _ask(check: Check, found: dict[str, list[Finding]]) -> None:
    try:
        found[check.name] = check.ask()
    except Exception as error:  # noqa: BLE001  # the boundary: whatever broke is what this check found
        found[check.name] = [failed(check.name, f"It could not be looked at: {type(error).__name__}.", check.do)]
    finally:
        connections.close_all()


def _late(check: Check, seconds: float) -> Finding:
    return failed(check.name, f"No answer within {seconds:g} s.", check.do)
