"""What the control worker does for the guard every ten seconds: history, orders, state after a loss, the probe.

Two of it at once do no harm: transitions are stored once by their epoch, state is made by a script that looks first,
and the probe has a lock.
"""

from assistant import loops
from assistant.events import GuardInitialised, announce
from assistant.memory import guard, steering, transitions
from assistant.memory.probe import probe


def tick() -> str:
    """Store transitions, make the state where it is missing, carry out orders, probe if due; the probe's outcome.

    Four round trips and three queries where nothing happened. Raise RedisDown.
    """
    _store_transitions()
    _make_state()
    for order in transitions.open_orders():
        steering.carry_out(order)
    outcome = loops.run(probe())
    if outcome in ("passed", "failed"):
        _store_transitions()
    return outcome


def _store_transitions() -> None:
    while entries := loops.run(guard.unstored_transitions()):
        transitions.store(entries)
        loops.run(guard.drop_stored(entries[-1]["epoch"]))


def _make_state() -> None:
    epoch, forced, last_order = transitions.latest()
    if loops.run(guard.initialise(epoch, forced, last_order)):
        announce(GuardInitialised(is_forced=forced is not None))
