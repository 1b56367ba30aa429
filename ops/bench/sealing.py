"""Sealing and opening a large file piece by piece, as exports are: MB a second of a core, memory (`PART=sealing`).

Needs no server and no settings. Seconds are the processor's: other work on the machine does not count.
"""

import argparse
import resource
import secrets
import tempfile
import time
from typing import IO

from assistant.archive.sealed_stream import Opener, Sealer, throwaway_key
from assistant.archive.sealing import Key

MEGABYTE = 1024 * 1024
NAME = "bench"
WRITTEN_AT_ONCE = 16 * 1024  # as zlib gives it out


def main(argv: list[str]) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m ops.bench sealing", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=512, help="how large (default: 512)")
    size = parser.parse_args(argv).megabytes * MEGABYTE
    before, key = _peak(), throwaway_key()
    with tempfile.TemporaryFile() as file:
        print(f"sealed: {size / MEGABYTE / _sealed(file, key, size):.0f} MB/s of a core")
        print(f"on the disk: {file.tell() / size:.2f} times as much")
        ends, seconds = _opened(file, key)
        print(f"opened: {size / MEGABYTE / seconds:.0f} MB/s of a core; its ends are checked in {ends * 1_000:.1f} ms")
    print(f"peak memory: {_peak() - before:.1f} MB more than before")
    return 0


def _sealed(file: IO[bytes], key: Key, size: int) -> float:
    """Seal so much; the seconds it took."""
    block, started = secrets.token_bytes(WRITTEN_AT_ONCE), time.process_time()
    sealer = Sealer(file, key, NAME)
    for _ in range(size // WRITTEN_AT_ONCE):
        sealer.write(block)
    sealer.finish()
    return time.process_time() - started


def _opened(file: IO[bytes], key: Key) -> tuple[float, float]:
    """The seconds until a reader begins, and until it has read all of it."""
    started = time.process_time()
    reader = Opener(file, NAME, key)
    ends = time.process_time() - started
    while reader.read():
        pass
    return ends, time.process_time() - started


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
