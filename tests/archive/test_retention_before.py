"""Archives from before their words' own time was remembered: the migration finds it out from what was restored."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE, AFTER = ("assistant", "0009_drill_outcomes"), ("assistant", "0012_retained_since_before")
DAYS = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(9)]


@pytest.fixture
def old() -> Iterator[StateApps]:
    """The tables and models as they were."""
    newest = [key for key in MigrationExecutor(connection).loader.graph.leaf_nodes() if key[0] == "assistant"]
    try:
        yield migrate(BEFORE)
    finally:
        migrate(*newest)


def migrate(*to: tuple[str, str]) -> StateApps:
    executor = MigrationExecutor(connection)
    state: Any = executor.migrate(list(to))
    return state.apps  # type: ignore[no-any-return]  # the stubs know no state of migrations


class Past:
    """A thread's archives and messages, as the old release left them."""

    def __init__(self, apps: StateApps) -> None:
        self._archives: Any = apps.get_model("assistant", "Archive").objects
        self._messages: Any = apps.get_model("assistant", "Message").objects
        self._user: Any = apps.get_model("assistant", "User").objects.create(username="ayse")
        self._thread: Any = apps.get_model("assistant", "Thread").objects.create(id="t1", user=self._user)

    def archive(self, name: str, day: int, sequences: range, state: str) -> Any:
        return self._archives.create(
            thread=self._thread,
            name=name,
            state=state,
            rule="idle",
            first_sequence=sequences[0],
            last_sequence=sequences[-1],
            message_count=len(sequences),
            format_version=1,
            created_at=DAYS[day],
        )

    def messages(self, sequences: range, archive: Any = None) -> None:
        for number in sequences:
            self._messages.create(
                user=self._user,
                thread=self._thread,
                sequence=number,
                client_msg_id=f"00000000-0000-0000-0000-{number:012}",
                role="user",
                text="",
                archive=archive,
            )


def test_words_are_kept_since_their_first_archive(old: StateApps) -> None:
    past = Past(old)
    past.archive("first", 0, range(1, 11), "restored")
    past.archive("second", 3, range(1, 16), "restored")
    again = past.archive("again", 6, range(1, 7), "stored")
    past.messages(range(1, 7), again)
    past.messages(range(7, 21))
    other = past.archive("never restored", 7, range(21, 31), "stored")
    past.messages(range(21, 31), other)

    now = migrate(AFTER)

    archives: Any = now.get_model("assistant", "Archive").objects
    messages: Any = now.get_model("assistant", "Message").objects
    assert dict(archives.values_list("name", "retained_since")) == {
        "first": DAYS[0],
        "second": DAYS[3],
        "again": DAYS[0],
        "never restored": DAYS[7],
    }
    since = dict(messages.filter(archive=None).values_list("sequence", "retained_since"))
    assert since == {
        **dict.fromkeys(range(7, 11), DAYS[0]),
        **dict.fromkeys(range(11, 16), DAYS[3]),
        **dict.fromkeys(range(16, 21), None),
    }


def test_what_the_old_release_archives_meanwhile_counts_from_then(old: StateApps) -> None:
    past = Past(old)
    migrate(("assistant", "0011_message_retained_since"))
    made = past.archive("meanwhile", 8, range(1, 3), "stored")

    now = migrate(AFTER)

    archives: Any = now.get_model("assistant", "Archive").objects
    assert archives.get(pk=made.pk).retained_since == DAYS[8]
