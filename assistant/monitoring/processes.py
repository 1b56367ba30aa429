"""The processes behind one exposition: which of the web's workers live, and how much memory they hold.

Knows `/proc`; where the system has none, memory is not exported.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import mark_process_dead
from prometheus_client.registry import Collector

PID_OF_FILE = re.compile(r"_(\d+)\.db$")
PROC = Path("/proc")


class MemoryCollector(Collector):
    """Resident memory of this process; on the web, of all its living processes together."""

    def collect(self) -> Iterator[Metric]:
        sizes = [size for pid in living() if (size := resident_bytes(pid)) is not None]
        if sizes:
            yield GaugeMetricFamily("assistant_memory_usage_bytes", "Resident memory", value=sum(sizes))

    def describe(self) -> list[Metric]:
        """Nothing to announce ahead."""
        return []


def living() -> set[int]:
    """This process and, on the web, those it shares its metrics with."""
    return {os.getpid()} | {pid for pid in _owners_of_files("*.db") if is_sibling(pid)}


def forget_the_dead() -> None:
    """Drop the live gauges of web workers that were killed: they could not do it themselves. Their counts stay."""
    for pid in _owners_of_files("gauge_live*.db"):
        if not is_sibling(pid):
            mark_process_dead(pid)  # type: ignore[no-untyped-call]  # the library does not annotate it


def is_sibling(pid: int) -> bool:
    """Whether the process lives and is of our group: its id may be a stranger's by now."""
    try:
        return os.getpgid(pid) == os.getpgid(0) and not _is_zombie(pid)
    except ProcessLookupError:
        return False
    except PermissionError:  # not ours, so none of us
        return False


def resident_bytes(pid: int) -> int | None:
    """Resident memory, None where the process or `/proc` is not there. See proc(5), statm."""
    try:
        pages = (PROC / str(pid) / "statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _is_zombie(pid: int) -> bool:
    try:
        stat = (PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[:1] == ["Z"]


def _owners_of_files(pattern: str) -> set[int]:
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    found = (PID_OF_FILE.search(path.name) for path in Path(folder).glob(pattern)) if folder else ()
    return {int(match[1]) for match in found if match}
