"""Zep down, slow or lying: turns are answered and say so, messages wait, and each arrives once."""

from ops.waiting import wait_until
from tests.acceptance.system import System, assert_arrived_once_in_order

BUDGET_MS, FAR_OVER_BUDGET_MS = 2_000, 10_000  # a drip alone takes longer; how exactly it is kept is measured elsewhere
OUTAGES: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "status": ({"status": 503}, {"source": "local", "reason": "http_503", "status_code": 503}),
    "hang": ({}, {"source": "timeout", "reason": "timeout"}),
    "drip": ({}, {"source": "timeout", "reason": "timeout"}),
    "reset": ({}, {"source": "local", "reason": "connection"}),
    "garbage": ({}, {"source": "local", "reason": "bad_response", "status_code": 200}),
    "empty": ({}, {"source": "local", "reason": "bad_response", "status_code": 200}),
    "huge": ({}, {"source": "local", "reason": "bad_response", "status_code": 200}),
}
OFTEN = {"took_ms", "client_ids"}


def test_turns_are_answered_and_their_traces_say_how_reading_failed(system: System) -> None:
    system.web.environment |= {"DISABLE_AUTO_DOWNGRADE": "true", "ZEP_READ_BUDGET_MS": str(BUDGET_MS)}
    system.start("web")

    def trace_of(kind: str, fields: dict[str, object]) -> dict[str, object]:
        """Of a turn whose read met the fault; of none where the machine stood still and it took far too long."""
        first = system.ayse.say("need a 2 bedroom")
        system.standin.fault(kind, route="read", **fields)
        answer = system.ayse.say("in girne", thread_id=first["thread_id"])
        system.standin.clear()
        assert answer["reply"]["rich"]["search"] == {"place": "Girne", "bedrooms": 2}
        trace: dict[str, object] = answer["trace"]["memory"]
        is_late = answer["trace"]["memory"]["took_ms"] > FAR_OVER_BUDGET_MS
        was_interrupted = trace["source"] == "timeout" != OUTAGES[kind][1]["source"]
        return {} if is_late or was_interrupted else trace

    seen = {}
    for kind, (fields, _) in OUTAGES.items():
        seen[kind] = wait_until(lambda: trace_of(kind, fields), f"a read that fails in time: {kind}")  # noqa: B023

    honest = {"used": False, "mode": "read_write", "fallback": "local_recent"}
    assert {kind: {k: v for k, v in trace.items() if k not in OFTEN} for kind, trace in seen.items()} == {
        kind: honest | expected for kind, (_, expected) in OUTAGES.items()
    }


def wait_for_failed_writes(system: System, reason: str) -> None:
    failures = f'memory_zep_write_failures_total{{op="ensure_user",reason="{reason}"}}'
    wait_until(lambda: system.metrics_of(system.worker)[failures] >= 2, f"writes to fail: {reason}")


def test_messages_wait_while_zep_refuses_writes_and_arrive_by_themselves_when_it_is_back(system: System) -> None:
    system.start("web", "worker", "control", "beat")
    system.standin.fault("status", route="write", status=503)
    turns = [system.ayse.say("one"), system.mehmet.say("two")]
    wait_for_failed_writes(system, "http_5xx")

    metrics = system.web_metrics()
    assert (metrics["memory_mirror_backlog"], metrics["memory_mirror_oldest_age_seconds"] > 0) == (4, True)
    assert not any(system.standin.thread(turn["thread_id"]).messages for turn in turns)
    system.standin.clear()

    for turn in turns:
        system.wait_for_mirror(turn["thread_id"], 2)
        assert_arrived_once_in_order(system, turn)
    assert system.web_metrics()["memory_mirror_backlog"] == 0


def test_messages_said_while_zep_is_gone_arrive_when_it_is_back(system: System) -> None:
    system.start("web", "worker", "control")
    system.standin.stop()
    turn = system.ayse.say("need a 2 bedroom")
    wait_for_failed_writes(system, "connection")
    system.standin.start()

    assert (turn["trace"]["memory"]["used"], turn["trace"]["memory"]["reason"]) == (False, "connection")
    assert turn["trace"]["memory"]["took_ms"] < FAR_OVER_BUDGET_MS
    system.wait_for_mirror(turn["thread_id"], 2)
    assert_arrived_once_in_order(system, turn)
