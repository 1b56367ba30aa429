"""The systemd units as `systemd-analyze` sees them, and as our other files have to agree with them."""

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ops.launcher import plan, procfile
from tests.deploy.test_compose import SETTINGS, compose
from tests.support.processes import ROOT

UNITS = ROOT / "ops/deploy/systemd"
COMMON = (UNITS / "easy-islanders-.service.d/common.conf").read_text(encoding="utf-8")
PROCESSES = list(procfile.parse((ROOT / "Procfile").read_text(encoding="utf-8")))
each_process = pytest.mark.parametrize("name", PROCESSES)
each_unit = pytest.mark.parametrize("name", [*PROCESSES, "migrate"])
MOST_EXPOSED = 25  # of 100; a unit without hardening has 96


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # as the documentation of the class says
    parser.read(UNITS / f"easy-islanders-{name}@.service")
    return parser


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units, with the program that they start in place."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze (Debian: systemd)")
    release = tmp_path / "opt/blue/ops/deploy"
    release.mkdir(parents=True)
    shutil.copy(ROOT / "ops/deploy/run", release / "run")
    (tmp_path / "opt/blue/.venv/bin").mkdir(parents=True)
    (tmp_path / "opt/blue/.venv/bin/python").symlink_to(sys.executable)
    shutil.copytree(UNITS, tmp_path / "units")
    for path in (tmp_path / "units").rglob("*.*"):
        if path.is_file():
            path.write_text(path.read_text().replace("/opt/easy-islanders", str(tmp_path / "opt")))
    return tmp_path / "units"


def analyzed(units: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"SYSTEMD_UNIT_PATH": f"{units}:", "PATH": "/usr/bin:/bin"}
    command = ["systemd-analyze", *arguments]
    return subprocess.run(command, cwd=units, env=environment, capture_output=True, text=True, check=False, timeout=300)


@each_unit
def test_systemd_understands_every_line(installed: Path, name: str) -> None:
    done = analyzed(installed, "verify", "--man=no", f"./easy-islanders-{name}@blue.service")

    ours = [line for line in done.stderr.splitlines() if "easy-islanders" in line or str(installed) in line]
    assert ours == []


def test_systemd_understands_the_target(installed: Path) -> None:
    done = analyzed(installed, "verify", "--man=no", "./easy-islanders@blue.target")

    assert [line for line in done.stderr.splitlines() if "easy-islanders" in line] == []


def test_a_line_that_systemd_does_not_know_is_noticed(installed: Path) -> None:
    common = installed / "easy-islanders-.service.d/common.conf"
    common.write_text(f"{common.read_text()}NoSuchDirective=1\n")

    assert "NoSuchDirective" in analyzed(installed, "verify", "--man=no", "./easy-islanders-web@blue.service").stderr


@each_unit
def test_a_unit_can_do_little(installed: Path, name: str) -> None:
    done = analyzed(
        installed, "security", "--offline=true", f"--threshold={MOST_EXPOSED}", f"easy-islanders-{name}@blue.service"
    )

    assert done.returncode == 0, done.stdout.splitlines()[-1:]


def test_a_command_gets_what_the_units_have_by_its_name(installed: Path) -> None:
    """`systemd-run` makes it (ops/runbooks/README.md); that drop-ins are for such units too, systemd.unit(5) says."""
    name = "easy-islanders-manage@blue.service"
    assert f"systemd-run --unit={name} " in (ROOT / "ops/runbooks/README.md").read_text()
    (installed / name).write_text("[Service]\nExecStart=/bin/true\n")
    done = analyzed(installed, "security", "--offline=true", f"--threshold={MOST_EXPOSED}", name)

    assert done.returncode == 0, done.stdout.splitlines()[-1:]


@each_process
def test_a_unit_runs_the_procfiles_line_and_has_as_long_to_stop_as_under_make_run(name: str) -> None:
    told = unit(name)["Service"]

    assert told["Restart"] == "always"
    assert told["ExecStart"] == f"/opt/easy-islanders/%i/ops/deploy/run {name}"
    assert int(told["TimeoutStopSec"].removesuffix("s")) >= plan.STOP_SECONDS.get(name, plan.OTHER_STOP_SECONDS)


def test_the_target_holds_every_process() -> None:
    wanted = re.findall(r"easy-islanders-(\w+)@%i\.service", (UNITS / "easy-islanders@.target").read_text())

    assert sorted(wanted) == sorted(PROCESSES)
    assert {unit(name)["Unit"]["PartOf"] for name in PROCESSES} == {"easy-islanders@%i.target"}


def test_nothing_runs_as_root() -> None:
    assert "User=easy-islanders\n" in COMMON


def test_every_variable_is_a_setting_and_every_secret_a_credential() -> None:
    named = dict(re.findall(r"(\w+)_FILE=%d/(\w+)", COMMON))
    credentials = dict(re.findall(r"LoadCredential=(\w+):/etc/easy-islanders/secrets/(\w+)", COMMON))

    assert [name for name in named if f'"{name}"' not in SETTINGS] == []
    assert set(named.values()) == set(credentials)
    assert all(name == file for name, file in credentials.items())
    assert set(credentials) == set(compose()["services"]["web"]["secrets"])


def test_two_colours_share_no_port() -> None:
    colours = [
        dict(line.split("=") for line in (UNITS / f"{colour}.env").read_text().splitlines() if "=" in line)
        for colour in ("blue", "green")
    ]

    assert set(colours[0]) == set(colours[1])
    assert len({*colours[0].values(), *colours[1].values()}) == 2 * len(colours[0])
