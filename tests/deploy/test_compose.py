"""The compose file as the specification's schema and a parser see it, and as our other files have to agree with it.

No container is started: what only running them would show is not known here.
"""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.deploy import make_secrets
from ops.launcher import plan, procfile
from tests.support.exported import PROMETHEUS
from tests.support.processes import ROOT

DEPLOY = ROOT / "ops/deploy"
SETTINGS = (ROOT / "easy_islanders/settings.py").read_text(encoding="utf-8")
READ_ELSEWHERE = {"FLOWER_HOST", "FLOWER_PORT", "FLOWER_BASIC_AUTH"}  # by ops/deploy/flower
PROCESSES = list(procfile.parse((ROOT / "Procfile").read_text(encoding="utf-8")))
OURS = [*PROCESSES, "migrate"]
EXAMPLE = (DEPLOY / "env.example").read_text(encoding="utf-8")


@cache
def compose() -> dict[str, Any]:
    """The file, its anchors and merges resolved."""
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return document


SERVICES = list(compose()["services"])
each_service = pytest.mark.parametrize("name", SERVICES)
each_process = pytest.mark.parametrize("name", PROCESSES)


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"][name]
    return found


def secrets_of(name: str) -> list[str]:
    given: list[Any] = service(name).get("secrets", [])
    return [one if isinstance(one, str) else one["source"] for one in given]


def is_a_setting(name: str) -> bool:
    return name in READ_ELSEWHERE or re.search(rf'env\.\w+\(\s*"{name}"', SETTINGS) is not None


def test_it_is_valid_by_the_compose_specification() -> None:
    command = [str(Path(sys.executable).parent / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, DEPLOY / "compose.yaml"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_the_schema_notices_what_is_no_compose_file(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {web: {image: x, no_such_key: 1}}")
    command = [str(Path(sys.executable).parent / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]

    assert subprocess.run([*command, tmp_path / "compose.yaml"], capture_output=True, check=False).returncode == 1


@each_process
def test_every_process_of_the_procfile_runs_by_its_line_there(name: str) -> None:
    assert service(name)["command"] == ["ops/deploy/run", name]


def test_what_it_runs_of_ours_is_the_procfile_and_the_migrations() -> None:
    assert {name for name in SERVICES if service(name)["image"].startswith("easy-islanders:")} == set(OURS)


def test_the_migrations_end_before_anything_of_ours_starts() -> None:
    conditions = {name: service(name)["depends_on"]["migrate"]["condition"] for name in PROCESSES}

    assert set(conditions.values()) == {"service_completed_successfully"}
    assert service("migrate")["depends_on"] == {"postgres": {"condition": "service_healthy"}}


@each_process
def test_a_process_waits_for_both_redis(name: str) -> None:
    assert [service(name)["depends_on"][redis]["condition"] for redis in ("redis", "cache")] == ["service_healthy"] * 2


@each_process
def test_a_process_has_as_long_to_stop_as_under_make_run(name: str) -> None:
    seconds = int(service(name)["stop_grace_period"].removesuffix("s"))

    assert seconds >= plan.STOP_SECONDS.get(name, plan.OTHER_STOP_SECONDS)


def test_a_database_that_still_sets_itself_up_is_not_ready() -> None:
    """Its server of the first minute has a socket and no port; the migrations come by the port."""
    assert "--host=127.0.0.1" in service("postgres")["healthcheck"]["test"]


@each_service
def test_only_the_web_is_published_and_only_to_this_host(name: str) -> None:
    published = service(name).get("ports", [])

    assert published == (["127.0.0.1:${WEB_PUBLISH_PORT:-8000}:8000"] if name == "web" else [])
    assert "network_mode" not in service(name)


def test_what_keeps_data_is_on_the_network_that_leads_nowhere() -> None:
    inside_only = {name for name in SERVICES if service(name)["networks"] == ["inside"]}

    assert compose()["networks"]["inside"] == {"internal": True}
    assert inside_only == {"postgres", "redis", "cache", "prometheus", "grafana", "flower"}


@each_service
def test_a_service_is_looked_after(name: str) -> None:
    told = service(name)

    assert told["restart"] == ("no" if name == "migrate" else "unless-stopped")
    assert ("disable" in told["healthcheck"]) is (name in {"migrate", "beat"})
    assert told["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", OURS)
def test_our_containers_can_do_little(name: str) -> None:
    told = service(name)

    assert (told["read_only"], told["cap_drop"], told["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    assert "user" not in told  # the image's
    assert "privileged" not in told


@each_service
def test_an_image_has_a_release_of_its_own(name: str) -> None:
    image, _, tag = service(name)["image"].partition(":")

    assert "." not in image.split("/")[0]  # no host: the reader's own registry or mirror
    assert tag == "${TAG:?set TAG to the release}" or re.fullmatch(r"v?\d+\.\d+(\.\d+)?(-bookworm)?", tag)


def test_the_two_redis_do_what_they_are_for() -> None:
    state, cache_ = (" ".join(service(name)["command"]) for name in ("redis", "cache"))

    assert "--appendonly yes" in state
    assert "--maxmemory-policy noeviction" in state
    assert service("redis")["volumes"] == ["redis:/data"]
    assert "--maxmemory-policy allkeys-lru" in cache_


def test_grafana_and_flower_are_open_to_nobody_without_a_password() -> None:
    assert service("grafana")["environment"]["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert "GF_SECURITY_ADMIN_PASSWORD__FILE" in service("grafana")["environment"]
    assert service("flower")["environment"]["FLOWER_BASIC_AUTH_FILE"] == "/run/secrets/flower_basic_auth"


# Secrets and settings


@each_service
def test_a_secret_comes_as_a_file(name: str) -> None:
    told: dict[str, str] = service(name).get("environment", {})
    secret = {key: value for key, value in told.items() if re.search(r"PASSWORD|KEY|TOKEN|_URL|AUTH_FILE", key)}
    given = {
        f"/run/secrets/{one if isinstance(one, str) else one['source']}" for one in service(name).get("secrets", [])
    }

    assert set(secret.values()) <= given


def test_every_secret_is_used_declared_and_made(tmp_path: Path) -> None:
    used = {secret for name in SERVICES for secret in secrets_of(name)}
    make_secrets.make(tmp_path / "secrets")

    assert used == set(compose()["secrets"])
    assert {told["file"] for told in compose()["secrets"].values()} == {f"secrets/{name}" for name in used}
    assert {path.name for path in (tmp_path / "secrets").iterdir()} == used


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    names = {key.removesuffix("_FILE") for key in service(name)["environment"]}

    assert {name for name in names if not is_a_setting(name)} == set()


def test_every_variable_of_the_example_is_a_setting_and_no_secret() -> None:
    names = re.findall(r"^#?([A-Z][A-Z0-9_]+)=", EXAMPLE, re.MULTILINE)

    assert names
    assert [name for name in names if not is_a_setting(name)] == []
    assert [name for name in names if re.search(r"SECRET|_KEY|TOKEN|PASSWORD|REDIS_URL|DATABASE_URL", name)] == []


def test_the_example_trusts_the_gateway_of_the_outer_network() -> None:
    gateway = compose()["networks"]["outside"]["ipam"]["config"][0]["gateway"]

    assert f"TRUSTED_PROXIES={gateway}\n" in EXAMPLE


# Files that are mounted


@each_service
def test_every_mounted_file_exists(name: str) -> None:
    mounted = [volume.split(":")[0] for volume in service(name).get("volumes", [])]

    assert [path for path in mounted if path.startswith(".") and not (DEPLOY / path).exists()] == []
    assert {path for path in mounted if not path.startswith(".")} <= set(compose()["volumes"])


def test_prometheus_scrapes_the_same_jobs_at_the_same_pace_as_outside_of_containers() -> None:
    here, there = (yaml.safe_load(path.read_text()) for path in (DEPLOY / "prometheus.yml", PROMETHEUS))

    assert [job["job_name"] for job in here["scrape_configs"]] == [job["job_name"] for job in there["scrape_configs"]]
    assert here["global"] == there["global"] | {"scrape_timeout": here["global"]["scrape_timeout"]}
    for job in here["scrape_configs"]:
        found = [name for discovery in job.get("dns_sd_configs", []) for name in discovery["names"]]
        told = [target.split(":")[0] for targets in job.get("static_configs", []) for target in targets["targets"]]
        assert [*found, *told] == [job["job_name"]]


def test_grafanas_data_source_differs_only_by_its_address() -> None:
    here, there = (
        yaml.safe_load(path.read_text())["datasources"][0]
        for path in (DEPLOY / "grafana-datasource.yml", ROOT / "grafana/provisioning/datasources/prometheus.yml")
    )

    assert here == there | {"url": "http://prometheus:9090"}


@pytest.mark.monitoring
def test_prometheus_reads_its_configuration() -> None:
    command = ["promtool", "check", "config", "--syntax-only", str(DEPLOY / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
