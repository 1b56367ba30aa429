"""Django's own deployment checks find nothing, and what would be careless stops the start."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy import production
from tests.support.processes import ROOT

ZEP = {"ZEP_BASE_URL": "https://zep.example.org", "ZEP_API_KEY": "not-a-real-key"}
DATABASE = {"DATABASE_URL": "postgres://easy:not-real@database.example.org/easy"}


def manage(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def checked(folder: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    told = production.environment(folder, PROCESS_ROLE="web", WEB_HOST="0.0.0.0", **ZEP, **DATABASE) | changes  # noqa: S104
    return manage("check", "--deploy", "--fail-level", "WARNING", environment=told)


def test_the_deployment_checks_find_nothing_in_production_settings(tmp_path: Path) -> None:
    done = checked(tmp_path)

    assert (done.returncode, done.stdout.strip()) == (0, "System check identified no issues (1 silenced)."), done.stderr


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"HTTPS_ONLY": "false"}, "web.W001"),
        ({"HTTPS_ONLY": "false"}, "security.W012"),
        ({"HTTPS_ONLY": "false"}, "security.W016"),
        ({"HTTPS_ONLY": "false"}, "security.W008"),
        ({"HSTS_SECONDS": "0"}, "security.W004"),
        ({"HSTS_INCLUDE_SUBDOMAINS": "false"}, "security.W005"),
        ({"TRUSTED_PROXIES": ""}, "web.E004"),
        ({"ALLOWED_HOSTS": "*"}, "web.E003"),
        ({"DEBUG": "true"}, "web.E002"),
        ({"SECRET_KEY_FILE": ""}, "web.E001"),
    ],
)
def test_what_is_careless_is_found(tmp_path: Path, changes: dict[str, str], named: str) -> None:
    done = checked(tmp_path, **changes)

    assert done.returncode != 0
    assert named in done.stderr


@pytest.mark.parametrize("proxies", ["*", "0.0.0.0/0", "::/0", "proxy.example.org"])
def test_nobody_trusts_every_proxy(tmp_path: Path, proxies: str) -> None:
    done = checked(tmp_path, TRUSTED_PROXIES=proxies)

    assert done.returncode != 0
    assert "TRUSTED_PROXIES" in done.stderr


def test_a_short_secret_key_is_found(tmp_path: Path) -> None:
    done = checked(tmp_path, **production.in_files({"SECRET_KEY": "short"}, tmp_path / "short"))

    assert "security.W009" in done.stderr


def test_a_web_process_refuses_to_start_where_a_check_fails(tmp_path: Path) -> None:
    told = production.environment(tmp_path, **ZEP, **DATABASE) | {"ALLOWED_HOSTS": "*"}
    done = subprocess.run(
        [sys.executable, "-m", "easy_islanders.serve"],
        cwd=ROOT,
        env=told,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 1
    assert "web.E003" in done.stderr
