"""What each panel has to show, told from a ledger alone; what nobody outside knows is in no table here."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tests.live.ledger import Crowd, quantile_range

TOLERANCE = 0.05
FIVE_MINUTES = 300.0
WINDOWS = ("5 min", "1 h", "6 h")
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
FAILURES = (
    "auth",
    "timeout",
    "http_5xx",
    "connection",
    "bad_response",
    "rate_limited",
    "consecutive_failures",
    "other",
)


@dataclass(frozen=True)
class Expected:
    """Between which values the panel's has to be; `known`: what the ledger says, as people read it."""

    least: float
    most: float
    known: str

    def allows(self, value: float) -> bool:
        return self.least <= value <= self.most


def about(*known: float) -> Expected:
    """Within 5 %: rates and increases are extrapolated by up to one scrape. Of several books, between what they say."""
    told = " to ".join(f"{each:.4g}" for each in sorted({*known}))
    return Expected(min(known) * (1 - TOLERANCE), max(known) * (1 + TOLERANCE), told)


def expected(crowd: Crowd, bounds: Callable[[str], list[float]]) -> dict[tuple[int, str], Expected]:
    """By the panel's id and the legend. `bounds`: of the buckets of a histogram, without the infinite one."""
    counted = {key: about(value) for key, value in (_gauges(crowd) | _counts(crowd) | _rates(crowd)).items()}
    return counted | _reads(crowd) | _late_turns(crowd) | _quantiles(crowd, bounds)


def _gauges(crowd: Crowd) -> dict[tuple[int, str], float]:
    return {
        (1, "read_write"): 1,
        (10, "waiting"): 0,
        (11, "age"): 0,
        (13, "dead letters"): crowd.dead(),
        (16, "reads are forced off"): 0,
        (16, "writing is on hold"): 0,
        (16, "the guard's state is known"): 1,
        (21, "in progress"): 0,
    }


def _counts(crowd: Crowd) -> dict[tuple[int, str], float]:
    ledger, downgrades, recoveries = crowd.ledger, crowd.downgrades(), crowd.recoveries()
    failures = ledger.failures | Counter(consecutive_failures=downgrades["consecutive_failures"])
    of_downgrades = ("auth", "consecutive_failures", "probe_failed", "latency", "manual")
    return {
        **_labelled(2, of_downgrades, downgrades),
        **_labelled(4, FAILURES, failures),
        **_labelled(5, ("email", "phone", "address"), ledger.redactions),
        (8, "zep"): crowd.told_of("zep_write_hold_began"),
        (8, "broker"): crowd.told_of("publishing_suspended"),  # a busy machine may give the broker too little time
        (15, "passed"): crowd.probes_passed(),
        (15, "failed"): downgrades["probe_failed"],
        (17, "reads back by probe"): recoveries["probe"],
        (17, "reads back by operator"): recoveries["operator"],
        **{(17, f"would have been: {reason}"): 0.0 for reason in ("auth", "consecutive_failures", "latency")},
        (21, "refused by the rate limit"): ledger.statuses["429"],
    }


def _rates(crowd: Crowd) -> dict[tuple[int, str], float]:
    """Everything happened within the rates' five minutes."""
    ledger, requests = crowd.ledger, crowd.requests()
    turns = ledger.turns.total()
    late = [lag for lag in crowd.lags() if lag > 60]
    shares = {
        22: len(late) / len(crowd.lags()),
        24: 1 - ledger.turns["used"] / turns,
    }
    return {
        (7, "success"): 1 - crowd.failed_attempts() / crowd.attempts().total(),
        (9, "read from the cache"): ledger.hits / FIVE_MINUTES,
        **{(9, f"write: {op}"): count / FIVE_MINUTES for op, count in requests.items()},
        **{(18, status): count / FIVE_MINUTES for status, count in ledger.statuses.items()},
        (19, "success"): 1 - (ledger.statuses["500"] + ledger.statuses["503"]) / ledger.statuses.total(),
        **{(panel, window): share for panel, share in shares.items() for window in WINDOWS},
    }


def _reads(crowd: Crowd) -> dict[tuple[int, str], Expected]:
    """Zep's log and the answers agree, but for reads whose time was over on their way, on a busy machine."""
    ledger, counts = crowd.ledger, (crowd.reads_at_zep(), len(crowd.ledger.reads))
    return {
        (4, "timeout"): about(ledger.injected["hang"], ledger.failures["timeout"]),
        (6, "hits"): about(*(ledger.hits / (ledger.hits + count) for count in counts)),
        (9, "read from Zep"): about(*(count / FIVE_MINUTES for count in counts)),
    }


def _late_turns(crowd: Crowd) -> dict[tuple[int, str], Expected]:
    """At least those whose read says so; at most those that took as long altogether."""
    ledger, turns = crowd.ledger, crowd.ledger.turns.total()
    share = about(ledger.over_budget / turns, ledger.perhaps_over_budget / turns)
    return {(23, window): share for window in WINDOWS}


def _quantiles(crowd: Crowd, bounds: Callable[[str], list[float]]) -> dict[tuple[int, str], Expected]:
    """A histogram knows a quantile as well as its buckets are wide. People measure a little more than the process does:
    the bucket below will do as well."""
    measured: dict[tuple[int, str], tuple[Iterable[float], bool]] = {
        (3, "memory_zep_read_latency_seconds"): (crowd.ledger.reads, True),
        (12, "memory_mirror_lag_seconds"): (crowd.lags(), False),
        (20, "assistant_request_duration_seconds"): (crowd.ledger.seconds, True),
    }
    return {
        (panel, name): _in_buckets(values, share, bounds(metric), is_more=is_more)
        for (panel, metric), (values, is_more) in measured.items()
        for name, share in SHARES.items()
        if (panel, name) != (3, "p99")
    }


def _in_buckets(values: Iterable[float], share: float, bounds: list[float], *, is_more: bool) -> Expected:
    low, high = quantile_range(values, share)
    edges = [0.0, *bounds]
    at = max(0, sum(edge < low for edge in edges) - 1 - is_more)
    above = [edge for edge in bounds if edge >= high] or bounds[-1:]
    return Expected(edges[at], above[0], f"{low:.4g} to {high:.4g}")


def _labelled(panel: int, labels: Iterable[str], counted: Mapping[str, float]) -> dict[tuple[int, str], float]:
    return {(panel, label): counted.get(label, 0) for label in labels}
