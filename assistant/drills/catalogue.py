"""Which drills there are, what each rehearses, and how a step of one is told. Pure: imports nothing of the product.

The names are labels of metrics, names of modules in `ops.drills`, and what an operator types.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self

DRILLS = {
    "write_path": "Messages reach Zep once, in order and redacted; writes are fast and succeed",
    "mode_status": "Mode and reason are the same on the command line, in the trace and in the metrics",
    "metrics_warmup": "Every series exists at 0 before the first turn, and counts from then on",
    "read_path": "Reads bring context within the budget; later turns find it in the cache",
    "cache_invalidation": "A forgotten or outdated context is read anew; a slow reader puts nothing old back",
    "auth_failure": "A refused key (401, 403) stops reads at once, for everybody; writes go on",
    "consecutive_failures": "Timeouts and server errors in a row stop reads; one success between them does not",
    "probe_recovery": "Reads come back when the hold is over and the probe passes, by nothing else",
    "probe_backoff": "While Zep stays broken each failed probe doubles the hold, up to its limit",
    "dark_launch": "Stateless, write-only, then read-write: no downgrade without a cause, turns hardly slower",
    "write_outage": "While Zep takes nothing turns are answered and the cluster waits; then all drains, each once",
}
# All that a drill's process takes over from the environment of who starts it: what Python needs, and the settings that
# a drill judges. No address, key or password.
KEPT = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "TMPDIR", "VIRTUAL_ENV"),
    "DISABLE_AUTO_DOWNGRADE",
    "MEMORY_DOWNGRADE_PROBE_TIMEOUT_MS",
    "MEMORY_DOWNGRADE_THRESHOLD",
    "MEMORY_DOWNGRADE_WINDOW_SECONDS",
    "PII_REDACT_EMAIL",
    "PII_REDACT_PHONE",
    "ZEP_READ_BUDGET_MS",
    "ZEP_WRITE_TIMEOUT_MS",
)
LIMIT_SECONDS = 90.0  # of one drill; then it is killed with all it started


def kept(environ: Mapping[str, str]) -> dict[str, str]:
    """What of an environment a drill's process may have."""
    return {name: environ[name] for name in KEPT if name in environ}


@dataclass(frozen=True)
class Step:
    """One thing that was looked at. `actual` holds numbers and fixed words, never what anybody wrote."""

    name: str
    expected: str
    actual: str
    ms: float
    ok: bool

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> Self:
        """Raise ValueError, KeyError or TypeError where it is not what `to_json` wrote."""
        told = json.loads(line)
        return cls(str(told["name"]), str(told["expected"]), str(told["actual"]), float(told["ms"]), bool(told["ok"]))
