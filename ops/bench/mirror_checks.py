"""What arrived at the stand-in: how many messages, how many out of order, how many twice. Asks it, nobody else."""

import re
from dataclasses import asdict, dataclass

from ops.zep_standin.client import HeldThread, StandInClient

NUMBER = re.compile(r"#(\d+) ")


@dataclass(frozen=True)
class Arrived:
    """`violations`: messages that arrived after one that was said later. `duplicates`: stored more than once."""

    messages: int = 0
    violations: int = 0
    duplicates: int = 0

    def __add__(self, other: "Arrived") -> "Arrived":
        return Arrived(**{name: value + getattr(other, name) for name, value in asdict(self).items()})


def arrived(standin: StandInClient, prefix: str, threads: int) -> Arrived:
    """What the stand-in holds of the threads `prefix`-0 and so on."""
    return sum((_of(standin.thread(f"{prefix}-{number}")) for number in range(threads)), Arrived())


def stored_between(standin: StandInClient, after: int) -> tuple[int, float]:
    """Of the log behind entry `after`: calls that brought messages, and seconds from the first to the last of them."""
    times = [entry["at"] for entry in standin.log(after) if "message_uuids" in entry]
    return len(times), max(times) - min(times) if times else 0.0


def _of(thread: HeldThread) -> Arrived:
    numbers = [int(found[1]) for text in thread.contents if (found := NUMBER.match(text))]
    violations, newest = 0, 0
    for number in numbers:
        violations += number < newest
        newest = max(newest, number)
    return Arrived(len(set(numbers)), violations, len(numbers) - len(set(numbers)))
