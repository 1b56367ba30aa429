"""From events to metrics and log lines: which area's observer hears which event. Changes nothing, decides nothing.

Each module of `observers` lists its `EVENTS` and has one `observe`; metrics and log lines are named there alone.
"""

from assistant.events import Event
from assistant.monitoring.observers import archive, drills, guard, mirror, operators, personal_data, reads, turns

AREAS = (turns, reads, guard, mirror, operators, drills, personal_data, archive)
OBSERVERS = {kind: area.observe for area in AREAS for kind in area.EVENTS}


def observe(event: Event) -> None:
    """Count and log one event; one that no area lists goes unheard, which a test forbids."""
    if observe_it := OBSERVERS.get(type(event)):
        observe_it(event)
