"""The memory's mode for everybody else: what the settings ask for, what the guard makes of it, and how to steer it.

The names here are what scripts and other packages rely on. Those that ask Redis raise RuntimeError on an event loop,
which they would block: there the functions of `guard` are awaited.
"""

import secrets
import threading

from django.conf import settings

from assistant import loops
from assistant.memory import guard, steering
from assistant.memory.guard import ForcedMode, Kind
from assistant.memory.guard_scripts import CONSECUTIVE_FAILURES_KEY, FORCED_MODE_KEY, PROBE_LOCK_KEY
from assistant.memory.modes import MemoryMode, effective
from assistant.redis_link import RedisDown

__all__ = ["CONSECUTIVE_FAILURES_KEY", "FORCED_MODE_KEY", "PROBE_LOCK_KEY", "ForcedMode", "MemoryMode"]

EffectiveMode = MemoryMode
DEFAULT_HOLD_SECONDS = 300
CONSECUTIVE_FAILURES_THRESHOLD = 3
_own = threading.local()  # the token of the probe lock that this thread holds


def base_mode() -> MemoryMode:
    """The mode that the settings ask for. Reads without writes are refused when the settings are checked."""
    if not settings.FLAG_ZEP_WRITE:
        return MemoryMode.OFF
    return MemoryMode.READ_WRITE if settings.FLAG_ZEP_READ else MemoryMode.WRITE_ONLY


def current_mode() -> MemoryMode:
    """The same as `base_mode`."""
    return base_mode()


def effective_mode() -> MemoryMode:
    """The mode in force now. Without Redis, or before its state is initialised, nothing is read: `write_only`.

    One round trip where the settings ask for reads, else none.
    """
    if base_mode() is not MemoryMode.READ_WRITE:
        return base_mode()
    try:
        return effective(base_mode(), loops.run(guard.read_state()).guard)
    except RedisDown:
        return effective(base_mode(), None)


def get_forced_mode() -> ForcedMode | None:
    """Why reads are off, None where they are not. Raise RedisDown where nobody can say."""
    return loops.run(guard.read_state()).forced


def force_write_only(reason: str, ttl_seconds: float = DEFAULT_HOLD_SECONDS, *, by: str = "code") -> bool:
    """Stop reads in the whole cluster; 0 seconds: until cleared. Write it down first, so that it outlives Redis.

    It replaces the reason and the time of a hold that is there. False where it is written down but not in force yet:
    the control worker carries it out. Raise ValueError where the reason is not one (see `steering.force`).
    """
    return steering.force(reason, ttl_seconds, by=by)


def clear_forced_mode(*, by: str = "code") -> bool:
    """Let reads go on. False where they were not stopped. Raise RedisDown or StateUnknown where it cannot be done."""
    return steering.clear(by=by)


def increment_consecutive_failures() -> int:
    """Count one failed read, as if it had begun now; return the streak. The threshold's failure stops reads."""
    return loops.run(_one_failure())


def reset_consecutive_failures() -> None:
    """Begin the streak anew."""
    loops.run(guard.forget_failures())


def acquire_probe_lock() -> bool:
    """Take the lock that keeps other probes away for ten seconds; False where somebody has it."""
    token = secrets.token_hex(8)
    if not loops.run(guard.take_probe_lock(token)):
        return False
    _own.token = token
    return True


def release_probe_lock() -> bool:
    """Give back the lock that this thread took; False where it has none by now."""
    return loops.run(guard.release_probe_lock(getattr(_own, "token", "")))


async def _one_failure() -> int:
    return await guard.report(Kind.FAILURE, (await guard.read_state()).epoch)
