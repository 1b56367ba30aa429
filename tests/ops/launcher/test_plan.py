"""What is given wins, what is missing is filled in, and nothing is started beside a given service."""

from collections.abc import Mapping

import pytest

from ops.launcher import secrets_file
from ops.launcher.plan import REDIS, ZEP_STANDIN, Plan, make_plan
from ops.launcher.ports import WrongPort

SECRETS = {name: f"made-up-{name}" for name in secrets_file.GENERATED}
PROCFILE = {name: f"exec {name}" for name in ("web", "worker", "control", "beat", "flower")}


def plan(environ: Mapping[str, str]) -> Plan:
    return make_plan(environ, SECRETS, PROCFILE)


def claimed(made: Plan) -> set[str]:
    return {claim.variable for claim in made.claims}


def test_a_bare_machine_gets_a_whole_system() -> None:
    made = plan({})

    assert [service.name for service in made.services] == [REDIS, ZEP_STANDIN]
    assert made.settings["REDIS_URL"] == made.settings["CELERY_BROKER_URL"] == "redis://127.0.0.1:6390/0"
    assert made.settings["ZEP_BASE_URL"] == "http://127.0.0.1:8100"
    assert made.settings["FLAG_ZEP_READ"] == made.settings["FLAG_ZEP_WRITE"] == "true"
    assert len(claimed(made)) == 6


def test_given_services_are_used_and_their_stand_ins_not_started() -> None:
    made = plan({"REDIS_URL": "redis://elsewhere/3", "ZEP_BASE_URL": "https://zep", "ZEP_API_KEY": "k"})

    assert made.services == ()
    assert made.settings["CELERY_BROKER_URL"] == "redis://elsewhere/3"
    assert (made.settings["ZEP_BASE_URL"], made.settings["ZEP_API_KEY"]) == ("https://zep", "k")
    assert claimed(made) == {"WEB_PORT", "FLOWER_PORT", "WORKER_METRICS_PORT", "CONTROL_METRICS_PORT"}


def test_a_given_zep_gets_no_made_up_key() -> None:
    assert "ZEP_API_KEY" not in plan({"ZEP_BASE_URL": "https://zep"}).settings


def test_the_hosted_zep_needs_no_stand_in() -> None:
    assert not plan({"ZEP_BACKEND": "cloud"}).runs(ZEP_STANDIN)


def test_reads_follow_writes_that_were_switched_off() -> None:
    assert plan({"FLAG_ZEP_WRITE": "false"}).settings["FLAG_ZEP_READ"] == "false"


@pytest.mark.parametrize("name", ["DATABASE_URL", "ZEP_READ_BUDGET_MS", "PII_REDACT_ADDRESS", "SECRET_KEY", "WEB_PORT"])
def test_a_setting_of_the_environment_is_passed_on(name: str) -> None:
    assert plan({name: "7"}).settings[name] == "7"


def test_what_is_no_setting_is_not_written_down() -> None:
    assert "HOME" not in plan({"HOME": "/home/somebody"}).settings


def test_moved_ports_move_the_addresses() -> None:
    made = plan({"REDIS_PORT": "7001", "ZEP_STANDIN_PORT": "7002"})

    assert made.settings["REDIS_URL"] == "redis://127.0.0.1:7001/0"
    assert made.settings["ZEP_BASE_URL"] == "http://127.0.0.1:7002"


def test_a_wrong_port_is_refused() -> None:
    with pytest.raises(WrongPort, match="FLOWER_PORT"):
        plan({"FLOWER_PORT": "many"})


def test_the_door_closes_first_and_redis_last() -> None:
    stop_order = [program.name for program in sorted(plan({}).programs, key=lambda program: -program.order)]

    assert stop_order == ["web", "beat", "flower", "control", "worker", ZEP_STANDIN, REDIS]


def test_tasks_in_hand_get_a_minute() -> None:
    patience = {program.name: program.stop_seconds for program in plan({}).programs}

    assert patience["worker"] == patience["control"] == 60
