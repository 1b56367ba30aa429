"""The circuit breaker: when it opens, who tries again, and when it closes."""

from assistant.breaker import Breaker

PAUSE = 0.5


def new_breaker() -> Breaker:
    return Breaker(failures_that_matter=3, pause_seconds=PAUSE)


def open_breaker() -> Breaker:
    breaker = new_breaker()
    for _ in range(3):
        breaker.failed(now=10.0)
    return breaker


def test_a_single_failure_opens_nothing() -> None:
    breaker = new_breaker()
    breaker.failed(now=10.0)

    assert breaker.admits(now=10.0)


def test_failures_with_a_success_between_them_open_nothing() -> None:
    breaker = new_breaker()
    for _ in range(10):
        breaker.failed(now=10.0)
        breaker.succeeded()

    assert breaker.admits(now=10.0)


def test_only_the_failure_that_opens_it_says_so() -> None:
    breaker = new_breaker()

    assert [breaker.failed(now=10.0) for _ in range(5)] == [False, False, True, False, False]


def test_enough_failures_in_a_row_keep_everyone_out() -> None:
    assert not open_breaker().admits(now=10.0 + PAUSE / 2)


def test_after_the_pause_one_caller_tries_and_the_others_wait_on() -> None:
    breaker = open_breaker()

    assert [breaker.admits(now=10.0 + PAUSE) for _ in range(3)] == [True, False, False]


def test_a_success_lets_everyone_in() -> None:
    breaker = open_breaker()
    breaker.succeeded()

    assert [breaker.admits(now=10.0) for _ in range(3)] == [True, True, True]
