"""When a thread is due, and which rule says so: the table."""

from datetime import UTC, datetime, timedelta

import pytest

from assistant.archive.due import Due, Held, Limits, Rule, decide

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LIMITS = Limits(threshold=100, hard_limit=50, keep=10, session_age=timedelta(hours=1), idle_for=timedelta(days=30))
HOUR = timedelta(hours=1)
MOMENT = timedelta(microseconds=1)
MONTH = timedelta(days=30)
NOT_DUE = None


def held(hot: int, session: timedelta = timedelta(0), silent: timedelta = timedelta(0)) -> Held:
    return Held(hot, NOW - session, NOW - silent)


@pytest.mark.parametrize(
    ("thread", "due"),
    [
        (held(0), NOT_DUE),
        (held(10), NOT_DUE),
        (held(11), NOT_DUE),
        (held(49), NOT_DUE),
        (held(50), Rule.HARD_LIMIT),
        (held(99), Rule.HARD_LIMIT),
        (held(100), Rule.THRESHOLD),
        (held(1_000_000), Rule.THRESHOLD),
        (held(11, session=HOUR), Rule.AGE),
        (held(11, session=HOUR - MOMENT), NOT_DUE),
        (held(10, session=100 * HOUR), NOT_DUE),
        (held(49, session=HOUR), Rule.AGE),
        (held(50, session=HOUR), Rule.HARD_LIMIT),
        (held(100, session=HOUR), Rule.THRESHOLD),
        (held(1, session=MONTH, silent=MONTH), Rule.IDLE),
        (held(1, session=MONTH, silent=MONTH - MOMENT), NOT_DUE),
        (held(11, session=MONTH, silent=MONTH - MOMENT), Rule.AGE),
        (held(0, session=MONTH, silent=MONTH), NOT_DUE),
        (held(100, session=MONTH, silent=MONTH), Rule.IDLE),
    ],
)
def test_which_rule_holds(thread: Held, due: Rule | None) -> None:
    decided = decide(thread, LIMITS, NOW)

    assert decided == (None if due is None else Due(due, 0 if due is Rule.IDLE else 10))


@pytest.mark.parametrize(("hot", "due"), [(99, NOT_DUE), (100, Rule.THRESHOLD), (149, Rule.THRESHOLD)])
def test_the_threshold_counts_where_the_hard_limit_is_set_above_it(hot: int, due: Rule | None) -> None:
    limits = Limits(100, 150, 10, timedelta(hours=1), MONTH)

    decided = decide(held(hot), limits, NOW)

    assert (decided.rule if decided else None) == due


def test_what_stays_is_not_due_however_low_the_limits() -> None:
    limits = Limits(5, 5, 10, timedelta(hours=1), MONTH)

    assert decide(held(10), limits, NOW) is None
