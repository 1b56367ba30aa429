"""The Dockerfile as a parser and a linter see it. `test_image.py` runs its steps, without containers."""

import re
import subprocess
import sys
from pathlib import Path

from tests.deploy.image import Instruction, copied_into_build, instructions
from tests.support.processes import ROOT

DOCKERFILE = ROOT / "ops/deploy/Dockerfile"
STEPS = instructions(DOCKERFILE)


def of(name: str) -> list[Instruction]:
    return [step for step in STEPS if step.name == name]


def test_the_linter_finds_nothing() -> None:
    linter = Path(sys.executable).parent / "hadolint"
    command = [str(linter), "--failure-threshold", "style", str(DOCKERFILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


def test_its_base_is_a_release_that_this_project_is_tested_on() -> None:
    bases = {step.value.split()[0] for step in of("FROM")}

    assert len(bases) == 1
    found = re.fullmatch(r"python:3\.(\d+)(\.\d+)?-slim-bookworm", bases.pop())
    assert found
    assert 11 <= int(found[1]) <= 13


def test_dependencies_are_those_of_the_lock_file_by_their_hashes() -> None:
    installs = [step.value for step in of("RUN") if "pip install" in step.value]

    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert "requirements.lock" in installs[0]


def test_it_ends_as_a_user_without_rights() -> None:
    assert of("USER")[-1].value == "10001:10001"
    after = STEPS[STEPS.index(of("USER")[-1]) :]
    assert not {"RUN", "COPY", "ADD"} & {step.name for step in after}


def test_it_says_how_to_see_whether_it_works_and_how_to_stop_it() -> None:
    assert of("HEALTHCHECK")[-1].value.endswith('CMD ["python", "ops/deploy/healthcheck.py", "web"]')
    assert of("STOPSIGNAL")[-1].value == "SIGTERM"
    assert of("CMD")[-1].value == '["ops/deploy/run", "web"]'


def test_every_file_that_is_copied_exists_and_gets_into_the_build() -> None:
    sources = [word for step in of("COPY") if "--from" not in step.value for word in step.value.split()[:-1]]
    reachable = copied_into_build(ROOT)

    assert sources
    assert [source for source in sources if not any(path.is_relative_to(source) for path in reachable)] == []


def test_no_secret_state_or_test_gets_into_the_build() -> None:
    first = {path.parts[0] for path in copied_into_build(ROOT)}

    assert first == {"requirements.lock", "manage.py", "Procfile", "assistant", "easy_islanders", "workers", "ops"}
    assert not [path for path in copied_into_build(ROOT) if path.suffix == ".env" or "secrets" in path.parts]


def test_no_secret_is_baked_in() -> None:
    assert not re.findall(r"SECRET|TOKEN|PASSWORD|API_KEY", " ".join(step.value for step in STEPS))
