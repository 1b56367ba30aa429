"""What compose.yaml describes, built and run without containers and without rights: it answers, guarded as told."""

import os
import re
import shutil
import signal
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ops.free_port import free_port
from ops.waiting import PATIENCE_SECONDS, wait_until
from ops.zep_standin.process import StandIn
from tests.deploy.test_compose import PROCESSES, service
from tests.deploy.whole import HOST, Whole, as_nobody, built, python_of_nobody
from tests.support import postgres

pytestmark = [pytest.mark.fresh_clone, pytest.mark.timeout(2_400)]

THROUGH_THE_PROXY = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}


@pytest.fixture(scope="module")
def whole() -> Iterator[Whole]:
    postgres.require()
    python = python_of_nobody()
    if python is None:
        pytest.skip("no Python that a user without rights may run")
    folder = Path(tempfile.mkdtemp(prefix="easy-islanders-image-"))
    folder.chmod(0o755)
    try:
        with postgres.cluster() as database, StandIn() as standin:
            running = Whole(folder, built(folder, python), database, standin)
            try:
                yield started(running)
            finally:
                running.close()
    finally:
        shutil.rmtree(folder)


def started(whole: Whole) -> Whole:
    """In the order of compose.yaml: servers, migrations, everything else."""
    for server in whole.servers:
        server.start()
    migrated = whole.run(service("migrate")["command"], "migrate")
    assert migrated.returncode == 0, migrated.stderr
    for child in whole.children.values():
        child.launch()
    for name, child in whole.children.items():
        wait_until(lambda: whole.answers(name) or not child.is_running, f"{name} to answer", seconds=300)  # noqa: B023
        assert child.is_running, child.logs()
    return whole


def get(whole: Whole, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{whole.web_url}{path}", headers=headers, timeout=PATIENCE_SECONDS, trust_env=False)


def test_a_turn_is_answered_and_reaches_zep(whole: Whole) -> None:
    wait_until(lambda: get(whole, "/readyz").status_code == 200, "readiness")
    issued = whole.run(["python", "manage.py", "issue_token", "ayse"])
    thread_id = str(uuid.uuid4())

    answer = httpx.post(
        f"{whole.web_url}/api/chat/",
        json={"message": "Hello", "thread_id": thread_id},
        headers=THROUGH_THE_PROXY | {"Authorization": f"Bearer {issued.stdout.split()[-1]}"},
        timeout=PATIENCE_SECONDS,
        trust_env=False,
    )

    assert answer.status_code == 200, answer.text
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    wait_until(lambda: len(whole.standin.thread(thread_id).messages) == 2, "both messages at Zep")


def test_nobody_is_answered_without_https(whole: Whole) -> None:
    answer = get(whole, "/api/docs", Host=HOST)

    assert (answer.status_code, answer.headers["location"]) == (301, f"https://{HOST}/api/docs")


def test_foreign_host_names_are_refused_but_health_needs_none(whole: Whole) -> None:
    foreign = THROUGH_THE_PROXY | {"Host": "evil.example.net"}

    assert get(whole, "/admin/login/", **foreign).status_code == 400
    assert get(whole, "/healthz", Host="10.1.2.3:8000").status_code == 200


def test_cookies_of_the_log_in_travel_over_https_alone(whole: Whole) -> None:
    answer = get(whole, "/admin/login/", **THROUGH_THE_PROXY)

    assert answer.status_code == 200
    cookies = answer.headers.get_list("set-cookie")
    assert cookies
    assert all("Secure" in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)


def test_static_files_are_served(whole: Whole) -> None:
    assert get(whole, "/static/admin/css/base.css", **THROUGH_THE_PROXY).status_code == 200


def test_metrics_need_their_token_from_elsewhere(whole: Whole) -> None:
    token = {"Authorization": f"Bearer {whole.secret('metrics_token')}"}

    assert get(whole, "/api/metrics/", **THROUGH_THE_PROXY).status_code == 401
    assert get(whole, "/api/metrics/", **THROUGH_THE_PROXY, **token).status_code == 200


def test_flower_needs_its_password(whole: Whole) -> None:
    url = f"http://127.0.0.1:{whole.ports['FLOWER_PORT']}/workers"
    name, _, password = whole.secret("flower_basic_auth").partition(":")

    assert httpx.get(url, trust_env=False).status_code == 401
    assert httpx.get(url, auth=(name, password), trust_env=False, timeout=PATIENCE_SECONDS).status_code == 200


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_runs_without_rights_and_with_no_secret_in_its_environment(whole: Whole, name: str) -> None:
    process = Path(f"/proc/{whole.children[name].pid}")
    users = re.findall(r"^Uid:\s+(\d+)\s+(\d+)", (process / "status").read_text(), re.MULTILINE)
    told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()

    assert users[0] == ((str(65534),) * 2 if as_nobody() else (str(os.geteuid()),) * 2)
    secrets = {path.name: path.read_bytes().strip() for path in whole.secrets.iterdir() if path.stat().st_size}
    found = {key for key, value in secrets.items() if value in told}
    assert found <= ({"flower_basic_auth"} if name == "flower" else set())  # Flower reads no file


@pytest.mark.parametrize("name", [name for name in PROCESSES if "test" in service(name)["healthcheck"]])
def test_a_process_that_works_is_healthy(whole: Whole, name: str) -> None:
    wait_until(lambda: whole.is_healthy(name), f"{name} to be healthy")


def test_a_process_that_does_not_work_is_unhealthy(whole: Whole) -> None:
    port = whole.ports["WORKER_METRICS_PORT"]
    whole.ports["WORKER_METRICS_PORT"] = free_port()

    assert not whole.is_healthy("worker")

    whole.ports["WORKER_METRICS_PORT"] = port


def test_a_drill_passes_in_it(whole: Whole) -> None:
    done = whole.run(["python", "manage.py", "zep_drill", "mode_status"], "worker")

    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_ends_by_itself_when_it_is_told_to(whole: Whole) -> None:
    """The last of this module: it stops what the others use."""
    for name, child in whole.children.items():
        child.send(signal.SIGTERM)
        child.wait_until_ended(float(service(name)["stop_grace_period"].removesuffix("s")))
    left = [name for name, child in whole.children.items() if "Traceback" in child.logs()]

    assert left == []
