"""Outages, one after the other, under one load: brought about, ended, and waited out. Imports the product."""

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop

from assistant.models import ModeTransition
from ops.bench.guard_state import GuardState
from ops.bench.mirror_rig import Rig
from ops.bench.outage_rows import Moments, Outage, Row, row_of
from ops.bench.web_load import Conversation, Speaker
from ops.bench.web_rig import Web, start_web
from ops.waiting import wait_until

BEFORE_SECONDS = 3.0
AFTER_SECONDS = 2.0  # reads are on again: at least one turn should have read by then
RECOVERY_SECONDS = 120.0
CYCLE = (
    "zep_consecutive_failures_auto_downgrade",
    "zep_auth_failure_auto_downgrade",
    "memory_mode_forced",
    "probe_lock_acquired",
    "probe_ended",
    "memory_mode_restored",
)


def measure(
    rig: Rig, speakers: list[Speaker], outages: Sequence[Outage], pause: float, processes: int, scale: float
) -> tuple[list[Row], list[str]]:
    """Rows, and the log lines of the first outage's cycle."""
    web = start_web(rig, "web", processes=processes)
    rig.start_workers()
    rig.start_schedule()
    state = GuardState(rig.redis.url)
    talk = Conversation(web.url, speakers, (pause, pause))
    talking = threading.Thread(target=lambda: uvloop.run(talk.run()), daemon=True)
    talking.start()
    rows, cycle = [], list[str]()
    try:
        for outage in outages:
            if outage.is_warm:
                _stay_in_one_thread(speakers)
            time.sleep(BEFORE_SECONDS + (2 * pause if outage.is_warm else 0))
            moments, after = _moments(rig, outage, state)
            rows.append(row_of(outage, scale, moments, rig.standin.log(after), list(talk.answers)))
            cycle = cycle or _cycle(rig, web)
    finally:
        talk.ends_at = 0.0
        talking.join(20)
    return rows, cycle


def _stay_in_one_thread(speakers: list[Speaker]) -> None:
    for speaker in speakers:
        speaker.threads = [speaker.next_thread()]


def _moments(rig: Rig, outage: Outage, state: GuardState) -> tuple[Moments, int]:
    """Bring the outage about, end it, and wait until reads are on again."""
    state.forget_holds()
    after, began = rig.standin.last_n(), time.time()
    rig.standin.fault(outage.kind, route="read", **outage.fields)
    forced = wait_until(lambda: state.forced, "the guard to trip") or {}
    time.sleep(max(0.0, began + outage.seconds - time.time()))
    rig.standin.clear()
    ended = time.time()
    restored = wait_until(lambda: _restored_since(began), "reads to be restored", seconds=RECOVERY_SECONDS)
    time.sleep(AFTER_SECONDS)
    return Moments(began, float(forced["forced_at"]), ended, restored), after


def _restored_since(moment: float) -> float:
    """When the probe opened the guard, by Redis's clock; 0 where it has not yet."""
    opened = ModeTransition.objects.filter(after=ModeTransition.Guard.OPEN).order_by("-epoch").first()
    at = opened.at.timestamp() if opened else 0.0
    return at if at > moment else 0.0


def _cycle(rig: Rig, web: Web) -> list[str]:
    """What web and control worker said of the guard so far, in order of time."""
    logs: list[Path] = [web.worker.log, *(worker.log for worker in rig.workers if worker.name == "control")]
    said = [line for log in logs for line in log.read_text(errors="replace").splitlines() if _is_of_cycle(line)]
    return sorted(said, key=lambda line: str(json.loads(line).get("timestamp", "")))


def _is_of_cycle(line: str) -> bool:
    return line.startswith("{") and json.loads(line).get("event") in CYCLE
