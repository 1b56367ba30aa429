"""What becomes of a message that Zep did not take, as a table."""

import pytest

from assistant.memory.verdicts import Decision, GiveUp, TryAgain, after_refusal, after_strike


@pytest.mark.parametrize(
    ("refusals", "decision"), [(1, TryAgain(1.0)), (2, TryAgain(2.0)), (3, TryAgain(4.0)), (4, GiveUp("http_400"))]
)
def test_a_refused_message_has_three_more_tries_within_ten_seconds(refusals: int, decision: Decision) -> None:
    assert after_refusal("http_400", refusals) == decision


@pytest.mark.parametrize(
    ("strikes", "decision"),
    [(1, TryAgain(2.0)), (2, TryAgain(2.0)), (3, TryAgain(2.0)), (4, TryAgain(2.0)), (5, GiveUp("http_500"))],
)
def test_the_fifth_server_error_of_its_own_condemns_a_message(strikes: int, decision: Decision) -> None:
    assert after_strike("http_500", strikes) == decision
