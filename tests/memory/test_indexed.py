"""The few messages that wait are found by their indexes on both databases, however many are mirrored."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from assistant.console import figures
from assistant.memory import backfill, dead_letters, indexed, outbox
from assistant.models import Message, MirrorState

pytestmark = pytest.mark.django_db
ASKED: dict[str, tuple[Callable[[], QuerySet[Message]], str]] = {
    "waiting": (lambda: Message.objects.filter(indexed.WAITING), "message_waiting"),
    "held": (
        lambda: Message.objects.filter(indexed.UNSENT, mirror_state=MirrorState.HELD),
        "message_unsent_in_thread",
    ),
    "dead": (lambda: dead_letters.find(dead_letters.Filter()), "message_dead"),
}


@pytest.mark.parametrize("name", ASKED)
def test_an_index_is_used(name: str) -> None:
    rows, index = ASKED[name]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # an empty table is read otherwise
    assert index in rows().explain()


def test_the_words_are_those_of_the_indexes() -> None:
    conditions = {index.name: index.condition for index in Message._meta.indexes}
    for name, ours in (("message_waiting", indexed.WAITING), ("message_unsent_in_thread", indexed.UNSENT)):
        assert str(sorted(conditions[name].children[0][1])) == str(sorted(_states_in(ours.sql)))


@pytest.mark.usefixtures("redis_server")
@pytest.mark.parametrize("ask", [outbox.backlog, backfill.held, figures.gather])
def test_whoever_looks_at_the_backlog_says_it_in_those_words(ask: Callable[[], object]) -> None:
    """Otherwise SQLite reads every message each time Prometheus asks."""
    with CaptureQueriesContext(connection) as captured:
        ask()
    asked = [query["sql"] for query in captured.captured_queries if '"assistant_message"' in query["sql"]]
    own_words = ("mirror_state IN ('pending', 'in_flight'", "= 'dead'")
    assert asked
    assert [sql for sql in asked if not any(words in sql for words in own_words)] == []


def _states_in(sql: str) -> list[str]:
    return [word for at, word in enumerate(sql.split("'")) if at % 2]
