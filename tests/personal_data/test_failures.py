"""What an operator learns of a step that broke: which and where, and nothing that anybody wrote."""

from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings as settings_of
from pytest_django.fixtures import Settings

from assistant.archive import storage
from assistant.conversation import ThreadRef, record
from assistant.doctor import erasures
from assistant.events import Event
from assistant.models import Erasure, Message, User
from assistant.personal_data import erasure, failures, places, progress
from assistant.personal_data.events import ErasureStepFailed
from ops.zep_standin.process import StandIn
from tests.personal_data.conftest import Say, finish, time_passes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]
QUOTED = "kanarya under 612 pounds"


def lines(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, str]]:
    return [record.msg for record in caplog.records if isinstance(record.msg, dict) and record.msg["event"] == event]


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in one step, whose error quotes what somebody wrote, and the name of who did."""

    def remove_exports(erasure: Erasure) -> None:
        raise KeyError(f"{QUOTED}, said ayse in t1, {erasure.receipt}")

    steps = [remove_exports if step is places.remove_exports else step for step in progress.EMPTY_OUR_SIDE]
    monkeypatch.setattr(progress, "EMPTY_OUR_SIDE", tuple(steps))


@pytest.mark.usefixtures("broken")
def test_the_step_that_broke_and_where_are_logged_without_any_value(
    say: Say, ayse: User, caplog: pytest.LogCaptureFixture
) -> None:
    say(QUOTED)
    asked = erasure.request(ayse, "op")

    progress.carry_out(asked.pk)

    [line] = lines(caplog, "erasure_step_failed")
    assert (line["step"], line["kind"], line["level"]) == ("remove_exports", "KeyError", "warning")
    assert f"{Path(__file__).name}:" in line["exception"]
    assert line["exception"].endswith("remove_exports\nbuiltins.KeyError")
    for secret in (QUOTED, "ayse", "t1", asked.receipt):
        assert secret not in str(line)


@pytest.mark.usefixtures("broken")
def test_the_row_the_line_and_the_doctor_say_which_step_and_why(
    say: Say, ayse: User, caplog: pytest.LogCaptureFixture
) -> None:
    say(QUOTED)
    asked = erasure.request(ayse, "op")

    progress.carry_out(asked.pk)

    asked.refresh_from_db()
    assert asked.failure == "remove_exports: KeyError"
    assert lines(caplog, "erasure")[-1]["reason"] == "remove_exports: KeyError"
    [found] = erasures.look()
    assert "remove_exports: KeyError" in found.found


@pytest.mark.usefixtures("broken")
def test_every_step_that_broke_is_told_and_the_others_were_run(
    say: Say, ayse: User, standin: StandIn, announced: list[Event]
) -> None:
    say(QUOTED)
    standin.fault("status", route="any", status=503)

    progress.carry_out(erasure.request(ayse, "op").pk)

    failed = [(event.step, event.kind) for event in announced if isinstance(event, ErasureStepFailed)]
    assert failed == [("remove_exports", "KeyError"), ("delete_at_zep", "http_503")]
    assert not Message.objects.exists()


@pytest.mark.parametrize("error", [UnicodeDecodeError("utf-8", b"x", 0, 1, QUOTED), OSError(13, QUOTED, "/home/ayse")])
def test_what_others_give_as_a_reason_is_not_repeated(error: Exception) -> None:
    assert failures.named("step", error) == f"step: {type(error).__name__}"


@pytest.fixture
def nowhere(settings: Settings, tmp_path: Path) -> Path:
    """A ledger in a folder that is none."""
    (tmp_path / "file").write_text("")
    settings.ERASURE_LEDGER = tmp_path / "file" / "erasures.jsonl"
    return tmp_path


def test_nothing_is_emptied_before_the_ledgers_line_is_there(
    ayse: User, standin: StandIn, nowhere: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    record(ThreadRef(ayse, "t1"), "hello", uuid4())
    asked = erasure.request(ayse, "op")
    before = standin.last_n()
    removed: list[str] = []
    monkeypatch.setattr(storage, "remove", removed.append)

    for _ in range(2):
        progress.carry_out(asked.pk)
        time_passes()

    asked.refresh_from_db()
    assert (asked.state, asked.in_ledger, asked.completed_at) == (Erasure.State.REQUESTED, False, None)
    assert (Message.objects.count(), removed, standin.log(before)) == (1, [], [])
    assert asked.failure == "write_in_ledger: ERASURE_LEDGER cannot be written (FileExistsError)"
    [found] = erasures.look()
    assert "Let web and workers write the file ERASURE_LEDGER" in str(found.do)
    assert str(nowhere) not in str(lines(caplog, "erasure_step_failed"))


def test_once_the_ledger_can_be_written_it_goes_on(ayse: User, nowhere: Path, settings: Settings) -> None:
    record(ThreadRef(ayse, "t1"), "hello", uuid4())
    asked = erasure.request(ayse, "op")
    progress.carry_out(asked.pk)
    settings.ERASURE_LEDGER = nowhere / "erasures.jsonl"

    time_passes()
    finish(asked)

    assert (asked.state, asked.failure) == (Erasure.State.COMPLETED, "")
    assert not Message.objects.exists()
    assert settings_of.ERASURE_LEDGER.read_text().count(asked.receipt) == 2


def test_without_the_line_of_its_completion_it_is_not_complete(
    say: Say, ayse: User, settings: Settings, tmp_path: Path
) -> None:
    say("hello")
    asked = erasure.request(ayse, "op")
    progress.carry_out(asked.pk)
    time_passes()
    (tmp_path / "file").write_text("")
    settings.ERASURE_LEDGER = tmp_path / "file" / "erasures.jsonl"

    progress.carry_out(asked.pk)

    asked.refresh_from_db()
    assert asked.state == Erasure.State.SEALING
    assert asked.failure == "complete_in_ledger: ERASURE_LEDGER cannot be written (FileExistsError)"
