"""Dead letters, backfill and proof: the commands an operator types, against rows and a real Zep stand-in."""

import io
import json
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from assistant.memory import backfill, mirror
from assistant.memory.flags import force_write_only
from assistant.memory.proof import prove
from assistant.models import AuditEntry, Message, MirrorState, Thread
from ops.zep_standin.process import StandIn
from tests.memory.conftest import Say

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


@pytest.fixture
def letter(say: Say) -> UUID:
    """A dead letter between two messages that arrived."""
    say("before")
    mirror.drain("t1")
    client_msg_id = say("refused, 0533 123 45 67")
    Message.objects.filter(client_msg_id=client_msg_id).update(mirror_state=MirrorState.DEAD, mirror_error="http_422")
    say("after")
    mirror.drain("t1")
    return client_msg_id


def run(*arguments: str) -> tuple[int, list[dict[str, object]]]:
    """Run a command with --json; return its exit code and what it printed."""
    output = io.StringIO()
    code = 0
    try:
        call_command(*arguments, "--json", stdout=output, stderr=io.StringIO())
    except SystemExit as ended:
        code = int(ended.code or 0)
    return code, [json.loads(line) for line in output.getvalue().splitlines()]


def test_dead_letters_are_listed_without_their_text(letter: UUID) -> None:
    code, (listed,) = run("zep_deadletters", "list")

    assert code == 0
    assert (listed["client_msg_id"], listed["reason"]) == (str(letter), "http_422")
    assert "123 45 67" not in json.dumps(listed)  # "0533" may be part of an id


@pytest.mark.parametrize(
    "wrong", [["--reason", "conflict"], ["--thread", "other"], ["--until", "2020-01-01T00:00:00Z"]]
)
def test_filters_narrow_what_is_meant(letter: UUID, wrong: list[str]) -> None:
    assert run("zep_deadletters", "list", *wrong) == (1, [])


def test_a_replayed_letter_arrives_late_and_marked_so(letter: UUID, standin: StandIn) -> None:
    code, printed = run("zep_deadletters", "replay", str(letter), "--operator", "deniz")
    mirror.drain("t1")

    assert (code, printed) == (0, [{"replayed": 1}])
    assert standin.thread("t1").contents == ["before", "after", "refused, [PHONE]"]
    assert standin.thread("t1").messages[-1]["metadata"]["late"] is True
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.details["messages"]) == ("deniz", "replay_dead_letters", 1)


@pytest.mark.parametrize("action", ["replay", "discard"])
def test_a_dry_run_changes_nothing(letter: UUID, action: str) -> None:
    assert run("zep_deadletters", action, "--dry-run") == (0, [{f"would_{action}": 1}])
    assert Message.objects.get(client_msg_id=letter).mirror_state == MirrorState.DEAD
    assert not AuditEntry.objects.exists()


def test_a_discarded_letter_is_no_letter_any_more_and_keeps_its_text(letter: UUID) -> None:
    assert run("zep_deadletters", "discard", str(letter)) == (0, [{"discarded": 1}])

    assert run("zep_deadletters", "list") == (1, [])
    assert Message.objects.get(client_msg_id=letter).text == "refused, 0533 123 45 67"


@pytest.mark.parametrize("arguments", [["list", "not-a-uuid"], ["list", "--since", "yesterday"], ["burn"]])
def test_wrong_usage_names_what_is_wrong(arguments: list[str]) -> None:
    with pytest.raises(CommandError, match=r"argument|invalid|not"):
        call_command("zep_deadletters", *arguments)


def test_messages_said_while_writing_was_off_are_mirrored_by_a_backfill_in_order(
    say: Say, standin: StandIn, settings: Settings
) -> None:
    say("one")
    mirror.drain("t1")
    settings.FLAG_ZEP_READ = settings.FLAG_ZEP_WRITE = False
    say("two")
    settings.FLAG_ZEP_READ = settings.FLAG_ZEP_WRITE = True
    say("three")
    mirror.drain("t1")
    assert standin.thread("t1").contents == ["one"]

    assert run("zep_backfill", "--dry-run") == (0, [{"held_threads": 1, "held_messages": 2}])
    assert run("zep_backfill") == (0, [{"threads": 1, "messages": 2, "waiting": 2}])
    mirror.drain("t1")

    assert standin.thread("t1").contents == ["one", "two", "three"]
    say("four")
    mirror.drain("t1")
    assert standin.thread("t1").contents[-1] == "four"


def test_a_backfill_that_was_interrupted_goes_on_where_it_was(say: Say, settings: Settings) -> None:
    settings.FLAG_ZEP_READ = settings.FLAG_ZEP_WRITE = False
    for thread_id in ("a", "b", "c"):
        say("hello", thread_id)
    settings.FLAG_ZEP_READ = settings.FLAG_ZEP_WRITE = True

    assert run("zep_backfill", "--limit", "2")[1] == [{"threads": 2, "messages": 2, "waiting": 2}]
    assert run("zep_backfill")[1] == [{"threads": 1, "messages": 1, "waiting": 3}]
    assert not Thread.objects.filter(holds_messages=True).exists()


def test_a_thread_that_is_erased_while_a_backfill_runs_is_passed_over(say: Say, settings: Settings) -> None:
    settings.FLAG_ZEP_READ = settings.FLAG_ZEP_WRITE = False
    for thread_id in ("a", "b", "c"):
        say("hello", thread_id)
    settings.FLAG_ZEP_READ = settings.FLAG_ZEP_WRITE = True

    released = backfill.let_go("op")
    assert next(released) == 1
    Thread.objects.filter(pk="b").delete()

    assert list(released) == [0, 1]
    assert backfill.let_go_threads(["b", "c"], "op") == 0
    assert AuditEntry.objects.filter(details__thread_id="b").count() == 0


def test_a_backfill_while_writing_is_off_is_refused(settings: Settings) -> None:
    settings.FLAG_ZEP_READ = settings.FLAG_ZEP_WRITE = False

    with pytest.raises(CommandError, match="FLAG_ZEP_WRITE"):
        call_command("zep_backfill")


def test_a_mirrored_message_is_proved_step_by_step(say: Say) -> None:
    client_msg_id = say("call 0533 123 45 67")
    mirror.drain("t1")

    code, (proof,) = run("zep_proof", str(client_msg_id))

    assert code == 0
    assert (proof["state"], proof["read_back"], proof["attempts"]) == ("mirrored", "yes", 1)
    assert proof["redactions"] == {"phone": 1}
    assert "0533" not in json.dumps(proof)


def test_a_long_message_is_proved_too(say: Say) -> None:
    client_msg_id = say("x" * 6_000)
    mirror.drain("t1")

    assert run("zep_proof", str(client_msg_id))[0] == 0


def test_a_web_process_does_not_read_back_while_reads_are_off(say: Say, standin: StandIn, settings: Settings) -> None:
    client_msg_id = say("hello")
    mirror.drain("t1")
    force_write_only("maintenance")
    settings.PROCESS_ROLE = "web"
    before = standin.last_n()

    (proof,) = prove(client_msg_id)

    assert proof.read_back == "not asked: reads are off"
    assert standin.log(before) == []


def test_a_message_that_is_not_at_zep_is_not_proved(say: Say) -> None:
    code, (proof,) = run("zep_proof", str(say("hello")))

    assert code == 1
    assert (proof["state"], proof["read_back"], proof["accepted_at"]) == ("pending", "no", None)


def test_without_zep_a_proof_says_that_it_could_not_ask(say: Say, standin: StandIn) -> None:
    client_msg_id = say("hello")
    mirror.drain("t1")
    standin.fault("status", route="read", status=503)

    code, (proof,) = run("zep_proof", str(client_msg_id))

    assert (code, proof["read_back"]) == (1, "not known: http_503")


def test_the_proof_of_an_unknown_message_fails() -> None:
    assert run("zep_proof", str(uuid4())) == (1, [])
