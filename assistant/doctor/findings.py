"""What a check found, and what to do about it. Knows no part of the system."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum

RUNBOOK = "ops/runbooks/alerts.md#"


class Status(StrEnum):
    """From best to worst; `skipped`: it was not looked at."""

    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    FAILED = "failed"


SEVERITY = tuple(Status)


@dataclass(frozen=True)
class Finding:
    """`found` and `do` are for people, and never hold an address with a password, a key, or what anybody wrote."""

    check: str
    status: Status
    found: str
    do: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)


Ask = Callable[[], list[Finding]]


@dataclass(frozen=True)
class Check:
    """`ask` may raise and may hang: then it has failed."""

    name: str
    ask: Ask
    do: str = ""


def ok(check: str, found: str) -> Finding:
    return Finding(check, Status.OK, found)


def skipped(check: str, found: str, do: str = "") -> Finding:
    return Finding(check, Status.SKIPPED, found, do)


def warning(check: str, found: str, do: str) -> Finding:
    return Finding(check, Status.WARNING, found, do)


def failed(check: str, found: str, do: str) -> Finding:
    return Finding(check, Status.FAILED, found, do)


def worst_of(findings: list[Finding]) -> Status:
    """The worst status among them; skipped checks are none."""
    looked_at = [finding.status for finding in findings if finding.status is not Status.SKIPPED]
    return max(looked_at, key=SEVERITY.index, default=Status.OK)
