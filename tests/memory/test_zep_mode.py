"""`manage.py zep_mode`, as an operator and as a script use it."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from assistant import loops
from assistant.memory import context_cache, guard
from assistant.memory.context import ThreadContext
from assistant.memory.guard import Kind
from assistant.memory.guard_scripts import INITIALISED_KEY
from ops.redis_process import RedisProcess
from tests.support.guarding import GuardInRedis

pytestmark = pytest.mark.django_db(transaction=True)


def zep_mode(*arguments: str) -> str:
    said = io.StringIO()
    call_command("zep_mode", *arguments, stdout=said)
    return said.getvalue()


def test_the_status_says_that_nothing_is_forced(guarded: GuardInRedis) -> None:
    assert zep_mode().splitlines()[:3] == [
        "Base mode (from flags): read_write",
        "Forced mode: None",
        "Effective mode: read_write",
    ]


def test_the_status_says_why_and_how_long(guarded: GuardInRedis) -> None:
    loops.run(guard.report(Kind.AUTH, guarded.epoch))
    guarded.advance(13)

    lines = zep_mode("--status").splitlines()
    assert "Effective mode: write_only" in lines
    forced = next(line for line in lines if line.startswith("Forced mode"))
    assert forced.startswith("Forced mode: write_only (reason=auth, remaining=~")


def test_the_status_counts_cached_contexts(guarded: GuardInRedis) -> None:
    loops.run(context_cache.fill("t1", "summary", ThreadContext(facts=("a fact",)), "0"))

    assert "Cached contexts: 1" in zep_mode().splitlines()


def test_the_status_as_json(guarded: GuardInRedis) -> None:
    zep_mode("--force", "maintenance", "--ttl", "0", "--operator", "ayse")

    status: dict[str, Any] = json.loads(zep_mode("--json"))
    assert (status["base_mode"], status["effective_mode"]) == ("read_write", "write_only")
    assert (status["forced"]["reason"], status["forced"]["until"]) == ("maintenance", None)


def test_forcing_and_clearing(guarded: GuardInRedis) -> None:
    assert json.loads(zep_mode("--force", "maintenance", "--json")) == {"forced": "maintenance", "ttl": 300}
    assert guarded.left == 300

    assert json.loads(zep_mode("--clear", "--json")) == {"cleared": True}
    assert json.loads(zep_mode("--clear", "--json")) == {"cleared": False}


def test_invalidating_forgets_the_context_and_its_old_copy(guarded: GuardInRedis) -> None:
    loops.run(context_cache.fill("t1", "summary", ThreadContext(facts=("a fact",)), "0"))

    zep_mode("--invalidate", "t1")

    found = loops.run(context_cache.look_up("t1", "summary"))
    assert (found.context, found.stale) == (None, None)


@pytest.mark.parametrize("arguments", [("--ttl", "5"), ("--force", "call 0533 123 45 67")])
def test_wrong_usage_is_exit_code_2(guarded: GuardInRedis, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as refused:
        zep_mode(*arguments)

    assert refused.value.returncode == 2
    assert guarded.reason == ""


@pytest.mark.parametrize("arguments", [("--force", "x", "--ttl", "-1"), ("--force", "x", "--clear"), ("--what",)])
def test_options_that_make_no_sense_are_refused(guarded: GuardInRedis, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        zep_mode(*arguments)
    assert guarded.reason == ""


def test_what_cannot_be_done_is_exit_code_1(guarded: GuardInRedis, redis_server: RedisProcess) -> None:
    redis_server.stop()

    with pytest.raises(CommandError) as refused:
        zep_mode("--clear")
    assert refused.value.returncode == 1
    assert zep_mode().splitlines()[1:3] == ["Forced mode: not known", "Effective mode: write_only"]


def test_an_order_before_the_state_is_there_is_written_down(guarded: GuardInRedis) -> None:
    guarded.client.delete(INITIALISED_KEY)

    with pytest.raises(CommandError, match="Written down"):
        zep_mode("--force", "maintenance")
