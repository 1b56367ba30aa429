"""`memory_mode_gauge` in every process, at the first look after a change, whichever process made it."""

from collections.abc import Callable, Iterator

import pytest

from assistant.memory.guard_scripts import FORCED_MODE_KEY
from ops.waiting import wait_until
from tests.acceptance.system import Samples, System, new_id
from tests.live.ledger import run_command

pytestmark = [pytest.mark.monitoring, pytest.mark.timeout(900)]
LOOKS_AT_WEB = 6  # each at whichever of its processes gets it
MODES = ("off", "write_only", "read_write")


@pytest.fixture
def open_system(running_system: System) -> Iterator[System]:
    """Everything runs, and reads are on."""
    assert modes_shown(running_system) == {"read_write"}
    yield running_system
    running_system.standin.clear()
    run_command(running_system, "zep_mode", "--clear")


def modes_shown(system: System) -> set[str]:
    """What all processes say, each looked at once and the web several times."""
    looks: list[Callable[[], Samples]] = [system.web_metrics] * LOOKS_AT_WEB
    looks += [lambda: system.metrics_of(system.worker), lambda: system.metrics_of(system.control)]
    return {mode_of(look()) for look in looks}


def mode_of(samples: Samples) -> str:
    values = {mode: samples[f'memory_mode_gauge{{mode="{mode}"}}'] for mode in MODES}
    assert sorted(values.values()) == [0, 0, 1], values
    return max(values, key=lambda mode: values[mode])


def is_forced(system: System) -> bool:
    with system.redis() as client:
        return bool(client.exists(FORCED_MODE_KEY))


def trip(system: System) -> None:
    """One web process meets a refused key."""
    system.standin.fault("status", route="read", caller="web", status=401)
    system.ayse.say("hello", thread_id=new_id())
    wait_until(lambda: is_forced(system), "the guard to be forced")


def test_after_a_command_forced_and_cleared_it(open_system: System) -> None:
    run_command(open_system, "zep_mode", "--force", "drill")
    assert modes_shown(open_system) == {"write_only"}

    run_command(open_system, "zep_mode", "--clear")
    assert modes_shown(open_system) == {"read_write"}


def test_after_a_web_process_tripped_it(open_system: System) -> None:
    trip(open_system)

    assert modes_shown(open_system) == {"write_only"}


def test_after_the_control_workers_probe_ended_it(open_system: System) -> None:
    trip(open_system)
    open_system.standin.clear()

    run_command(open_system, "zep_mode", "--probe")

    assert modes_shown(open_system) == {"read_write"}


def test_after_redis_lost_it_and_the_control_worker_made_it_again(open_system: System) -> None:
    run_command(open_system, "zep_mode", "--force", "drill")
    wait_until(lambda: open_system.database.query(STORED), "the change to be in the database")
    with open_system.redis() as client:
        client.flushall()

    assert modes_shown(open_system) == {"write_only"}  # nobody reads without the state
    wait_until(lambda: is_forced(open_system), "the control worker to make the state again")
    assert modes_shown(open_system) == {"write_only"}


STORED = "SELECT 1 FROM assistant_modetransition WHERE reason = 'drill' AND epoch IS NOT NULL"
