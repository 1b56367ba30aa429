"""What an outage came to, from the stand-in's log and the users' answers. Knows no process."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ops.bench.goals import Goal
from ops.bench.rig import percentile
from ops.bench.web_load import Answered
from ops.zep_standin.client import Json

LAST_READ_SECONDS = 2.0
BEFORE_SECONDS = 2.0
UNDER_WAY_SECONDS = 0.5  # a read that began before the trip has come to Zep by then
OK = 200


@dataclass(frozen=True)
class Outage:
    """A fault on every read, `seconds` long; `fields` go to the stand-in with it.

    `is_warm`: users go on in one thread each, which the cache serves, instead of beginning another with each turn.
    """

    name: str
    kind: str
    seconds: float
    fields: dict[str, Any] = field(default_factory=dict)
    is_warm: bool = False


@dataclass(frozen=True)
class Moments:
    """Epoch seconds: Zep gone, reads forced off, Zep back, reads on again."""

    began: float
    forced: float
    ended: float
    restored: float


@dataclass(frozen=True)
class Row:
    """Seconds since the outage began, where nothing else is said.

    `reads` by web processes until reads were restored, the first and the last of them; `reads_after_trip`: those that
    began before it and came to Zep after it; `strays`: those that came later than half a second after it.
    `back_after`: from Zep's return to the probe that opened the guard; `next_read_after`: to a web process's first
    read. `mirrored`: messages that reached Zep between trip and restoring.
    """

    outage: str
    is_warm: bool
    scale: float
    seconds: float
    reads: int
    first_read: float
    forced_at: float
    last_read: float
    reads_after_trip: int
    strays: int
    probe_reads: int
    back_after: float
    next_read_after: float
    mirrored: int
    turns: int
    errors: int
    turn_p50_ms: dict[str, float]
    turn_p99_ms: dict[str, float]

    def as_text(self) -> str:
        times = ", ".join(
            f"{when} p50 {self.turn_p50_ms[when]:.0f} p99 {self.turn_p99_ms[when]:.0f} ms" for when in self.turn_p50_ms
        )
        return (
            f"{self.outage} (at scale {self.scale:g}: {self.seconds:g} s)\n"
            f"  first read by any web process after {self.first_read:.3f} s, forced after {self.forced_at:.3f} s, "
            f"last read after {self.last_read:.3f} s; {self.reads} web reads, {self.reads_after_trip} after the trip\n"
            f"  reads by the probe: {self.probe_reads}; restored {self.back_after:.1f} s after Zep came back "
            f"(x{self.scale:g}: {self.back_after * self.scale:.0f} s), a web process's next read after "
            f"{self.next_read_after:.1f} s; messages mirrored meanwhile: {self.mirrored}\n"
            f"  {self.turns} turns, {self.errors} errors; {times}"
        )

    def as_json(self) -> str:
        return json.dumps({"part": "outage", **asdict(self)})


def row_of(outage: Outage, scale: float, at: Moments, log: Sequence[Json], answers: Sequence[Answered]) -> Row:
    """`log`: what the stand-in was asked since the outage began."""
    reads = [entry["at"] for entry in log if entry["caller"] == "web" and entry["method"] == "GET"]
    meanwhile = [read for read in reads if at.began <= read < at.restored]
    later = [read for read in reads if read >= at.restored]
    phases = _phases(at, answers)
    turns = [answer for answer in answers if at.began <= answer.at < at.restored]
    return Row(
        outage.name,
        outage.is_warm,
        scale,
        round(at.ended - at.began, 1),
        len(meanwhile),
        round(min(meanwhile, default=at.began) - at.began, 3),
        round(at.forced - at.began, 3),
        round(max(meanwhile, default=at.began) - at.began, 3),
        sum(read > at.forced for read in meanwhile),
        sum(read > at.forced + UNDER_WAY_SECONDS for read in meanwhile),
        sum(entry["caller"] == "control" and entry["method"] == "GET" for entry in log if entry["at"] < at.restored),
        round(at.restored - at.ended, 2),
        round(min(later) - at.ended, 2) if later else -1.0,
        sum(len(entry.get("message_uuids") or ()) for entry in log if at.forced < entry["at"] < at.restored),
        len(turns),
        sum(answer.status != OK for answer in turns),
        {name: round(percentile(times, 0.5), 1) for name, times in phases.items() if times},
        {name: round(percentile(times, 0.99), 1) for name, times in phases.items() if times},
    )


def _phases(at: Moments, answers: Sequence[Answered]) -> dict[str, list[float]]:
    """Milliseconds of turns by when they were said."""
    bounds = {
        "before": (at.began - BEFORE_SECONDS, at.began),
        "until the trip": (at.began, at.forced),
        "forced": (at.forced, at.restored),
    }
    return {
        name: [answer.seconds * 1000 for answer in list(answers) if since <= answer.at < until]
        for name, (since, until) in bounds.items()
    }


def goals(rows: Sequence[Row]) -> Iterator[Goal]:
    """With warm caches nobody reads for a while, and nobody can notice: there the first read's time counts."""
    for row in rows:
        since, what = (row.first_read, "since the first") if row.is_warm else (0.0, "since the outage began")
        name = f"{row.outage}: last read by any web process, {what}"
        yield Goal(name, round(row.last_read - since, 3), LAST_READ_SECONDS, "s")
        yield Goal(f"{row.outage}: web reads while forced", row.strays, 0, "reads")
