"""Writes that fail, and may have been stored all the same: each message arrives once, in its order."""

import pytest

from tests.acceptance.system import System, assert_arrived_once_in_order, new_id


@pytest.mark.parametrize(
    ("kind", "sendings"),
    [("store_then_500", 1), ("store_then_hang", 1), ("hang", 2), ("reset", 2), ("garbage", 2)],
)
def test_a_write_with_an_unknown_outcome_arrives_once(running_system: System, kind: str, sendings: int) -> None:
    system, thread_id = running_system, new_id()
    system.standin.fault(kind, route="write", path=f"/sessions/{thread_id}/memory", count=1)

    first = system.ayse.say("one", thread_id=thread_id)
    system.wait_for_request("POST", f"{thread_id}/memory")
    second = system.ayse.say("two", thread_id=thread_id)

    system.wait_for_mirror(thread_id, 4)
    assert_arrived_once_in_order(system, first, second)
    assert system.sent_uuids(thread_id).count(first["message_id"]) == sendings
