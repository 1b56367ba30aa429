"""What the control worker does for the guard every ten seconds: history, orders, state after a loss, the probe.

Two of it at once do no harm: transitions are stored once by their epoch, state is made by a script that looks first,
and the probe has a lock. A step that the database refuses does not keep the others from being done.
"""

from collections.abc import Callable

from django.db import DatabaseError

from assistant import loops
from assistant.events import GuardInitialised, RecoveryStepFailed, announce
from assistant.memory import guard, steering, transitions
from assistant.memory.probe import probe


def tick() -> str:
    """Store transitions, make the state where it is missing, carry out orders, probe if due; the probe's outcome.

    Four round trips and three queries where nothing happened. Raise RedisDown.
    """
    keep_state()
    outcome = loops.run(probe())
    if outcome in ("passed", "failed"):
        _try(_store_transitions)
    return outcome


def keep_state() -> None:
    """Everything of a tick but the probe. Raise RedisDown."""
    for step in (_store_transitions, _make_state, _carry_out_orders):
        _try(step)


def _try(step: Callable[[], None]) -> None:
    try:
        step()
    except DatabaseError as error:
        announce(RecoveryStepFailed(step.__name__.strip("_"), type(error).__name__))


def _store_transitions() -> None:
    while entries := loops.run(guard.unstored_transitions()):
        transitions.store(entries)
        loops.run(guard.drop_stored(entries[-1]["epoch"]))


def _make_state() -> None:
    epoch, forced, last_order = transitions.latest()
    if loops.run(guard.initialise(epoch, forced, last_order)):
        announce(GuardInitialised(is_forced=forced is not None))


def _carry_out_orders() -> None:
    for order in transitions.open_orders():
        steering.carry_out(order)
