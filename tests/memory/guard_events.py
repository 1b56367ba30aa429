"""States that the guard may be in, and events that may meet it there, as functions that bring them about."""

from collections.abc import Awaitable, Callable

from assistant.events import Event, GuardCleared, GuardForced
from assistant.memory import guard
from assistant.memory.guard import Kind, Permit
from tests.support.guarding import GuardInRedis

HOLD, LONGEST, WINDOW = 300, 3600, 60
Step = Callable[[GuardInRedis], Awaitable[object]]


async def fail(guarded: GuardInRedis, times: int = 1) -> None:
    for _ in range(times):
        await guard.report(Kind.FAILURE, guarded.epoch)


async def probed(guarded: GuardInRedis, *, passed: bool, although_not_due: bool = True) -> str:
    permit = await guard.begin_probe(reads_are_on=True, although_not_due=although_not_due)
    if not isinstance(permit, Permit):
        return permit
    return await guard.end_probe(permit, passed=passed)


# The states


async def healthy(guarded: GuardInRedis) -> None:
    """Nothing has happened."""


async def shaken(guarded: GuardInRedis) -> None:
    await fail(guarded, 2)


async def held(guarded: GuardInRedis) -> None:
    await guard.report(Kind.AUTH, guarded.epoch)
    guarded.advance(10)


async def due(guarded: GuardInRedis) -> None:
    await held(guarded)
    guarded.advance(HOLD)


async def probed_in_vain(guarded: GuardInRedis) -> None:
    await due(guarded)
    await probed(guarded, passed=False)


async def held_by_operator(guarded: GuardInRedis) -> None:
    await guard.force("maintenance", "ayse", 600)


async def held_until_cleared(guarded: GuardInRedis) -> None:
    await guard.force("maintenance", "ayse", guard.AS_LONG_AS_IT_TAKES)


async def lately_recovered(guarded: GuardInRedis) -> None:
    """Open again for less than ten minutes, after a hold with one failed probe."""
    await probed_in_vain(guarded)
    guarded.advance(2 * HOLD)
    await probed(guarded, passed=True)
    guarded.advance(60)


async def lost(guarded: GuardInRedis) -> None:
    guarded.lose()


# The events


async def one_failure(guarded: GuardInRedis) -> None:
    await fail(guarded)


async def three_failures(guarded: GuardInRedis) -> None:
    await fail(guarded, 3)


async def auth_refused(guarded: GuardInRedis) -> None:
    await guard.report(Kind.AUTH, guarded.epoch)


async def late_auth_refused(guarded: GuardInRedis) -> None:
    await guard.report(Kind.AUTH, str(int(guarded.epoch) - 1))


async def success(guarded: GuardInRedis) -> None:
    await guard.report(Kind.SUCCESS, guarded.epoch)


async def rate_limited(guarded: GuardInRedis) -> None:
    await guard.pause(7, guarded.epoch)


async def tick_that_would_pass(guarded: GuardInRedis) -> None:
    await probed(guarded, passed=True, although_not_due=False)


async def tick_that_would_fail(guarded: GuardInRedis) -> None:
    await probed(guarded, passed=False, although_not_due=False)


async def probe_asked_for(guarded: GuardInRedis) -> None:
    await probed(guarded, passed=True)


async def operator_forces(guarded: GuardInRedis) -> None:
    await guard.force("drill", "mehmet", 60)


async def operator_clears(guarded: GuardInRedis) -> None:
    await guard.clear("mehmet")


def changes(announced: list[Event]) -> tuple[str, ...]:
    """What changed: why reads were forced off, or who let them on again."""
    changed = [event for event in announced if isinstance(event, GuardForced | GuardCleared)]
    return tuple(event.reason if isinstance(event, GuardForced) else event.by for event in changed)
