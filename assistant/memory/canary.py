"""Which threads read memory while it is rolled out to a share of them. Knows ids and the share; no I/O.

A thread's place is a hash of its id, so that it is the same in every process and after every restart, and a thread that
is in at 10 % stays in at 20 %.
"""

from hashlib import sha256

from django.conf import settings

PLACES = 100


def reads_memory(thread_id: str) -> bool:
    """Whether the thread is among the `MEMORY_READ_PERCENT` whose memory is read."""
    return place_of(thread_id) < settings.MEMORY_READ_PERCENT


def place_of(thread_id: str) -> int:
    """The thread's place, from 0 to 99; it reads once more than so many per cent do."""
    return int.from_bytes(sha256(thread_id.encode()).digest()[:8]) % PLACES
