"""Every event is heard by one area's observer."""

import importlib
import pkgutil

import assistant
from assistant import events
from assistant.events import Event
from assistant.monitoring.observer import AREAS, OBSERVERS


def every_event() -> set[type[Event]]:
    """The events of `events.py`, and those that areas define beside their logic."""
    for module in pkgutil.walk_packages(assistant.__path__, "assistant."):
        if module.name.endswith(".events"):
            importlib.import_module(module.name)
    return {kind for kind in Event.__subclasses__() if kind.__module__.startswith("assistant.")}


def test_every_event_is_heard() -> None:
    assert every_event() == set(OBSERVERS)


def test_no_event_is_heard_twice() -> None:
    assert sum(len(area.EVENTS) for area in AREAS) == len(OBSERVERS)


def test_an_event_that_nobody_lists_is_no_error() -> None:
    class Unlisted(events.Event):
        pass

    events.announce(Unlisted())
