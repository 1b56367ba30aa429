"""The admin's lists: bounded, by indexes, and without what anybody wrote."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from assistant.console import lists
from assistant.console.history import ACTIONS
from assistant.console.messages import MessageAdmin
from assistant.models import AuditEntry, Message, MirrorState, Thread
from tests.admin.conftest import SECRET, Stored
from tests.support.processes import ROOT

pytestmark = pytest.mark.django_db
LISTS = ("thread", "message", "deadletter", "auditentry", "modetransition", "apitoken", "archive", "drillrun", "user")
SESSION_USER_AND_PERMISSIONS = 4
COUNT_AND_ROWS = 2
SAVEPOINTS = 2


def address(name: str) -> str:
    return f"/admin/assistant/{name}/"


def queries_of(client: Client, path: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return [query["sql"] for query in captured.captured_queries]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_costs_two_queries_beside_the_log_in(onlooker: Client, stored: Stored, name: str) -> None:
    for state in (MirrorState.MIRRORED, MirrorState.DEAD, MirrorState.PENDING):
        stored(state)
    queries = queries_of(onlooker, address(name))
    assert len(queries) <= SESSION_USER_AND_PERMISSIONS + COUNT_AND_ROWS + SAVEPOINTS, queries


@pytest.mark.parametrize("name", LISTS)
def test_the_number_of_queries_does_not_grow_with_the_rows(onlooker: Client, stored: Stored, name: str) -> None:
    stored(MirrorState.DEAD)
    few = len(queries_of(onlooker, address(name)))
    for number in range(30):
        stored(MirrorState.DEAD, thread_id=f"t{number}")
    assert len(queries_of(onlooker, address(name))) == few


def test_nothing_is_counted_beyond_the_cap(onlooker: Client, stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        stored()
    monkeypatch.setattr(lists, "CAP", 3)
    counts = [sql for sql in queries_of(onlooker, address("message")) if "COUNT(" in sql]
    assert len(counts) == 1
    assert "LIMIT 3" in counts[0]


def test_a_page_beyond_the_cap_is_not_looked_for(
    onlooker: Client, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        stored()
    monkeypatch.setattr(MessageAdmin, "list_per_page", 1)
    monkeypatch.setattr(lists, "CAP", 2)
    assert onlooker.get(address("message"), {"p": 2}).status_code == 200
    assert onlooker.get(address("message"), {"p": 3}).status_code == 302
    assert onlooker.get(address("message"), {"p": 50_000}).status_code == 302


@pytest.mark.parametrize("name", ["thread", "message", "deadletter", "auditentry"])
def test_the_address_cannot_ask_for_another_order(onlooker: Client, stored: Stored, name: str) -> None:
    stored(MirrorState.DEAD)
    plain = [sql for sql in queries_of(onlooker, address(name)) if "ORDER BY" in sql]
    assert [sql for sql in queries_of(onlooker, f"{address(name)}?o=3.-1") if "ORDER BY" in sql] == plain


@pytest.mark.parametrize(
    "lookup", ["text__startswith", "text__contains", "user__password__startswith", "sequence__gte"]
)
@pytest.mark.parametrize("name", ["message", "deadletter"])
def test_the_address_cannot_filter_by_what_is_masked_or_has_no_index(
    onlooker: Client, stored: Stored, name: str, lookup: str
) -> None:
    """Django's own admin lets staff guess a text they may not see, letter by letter."""
    stored(MirrorState.DEAD)
    assert onlooker.get(address(name), {lookup: SECRET[:3]}).status_code in (302, 400)


@pytest.mark.parametrize("name", ["message", "deadletter"])
def test_neither_list_nor_row_shows_the_text(onlooker: Client, stored: Stored, name: str) -> None:
    row = stored(MirrorState.DEAD, rich={"note": SECRET}, outgoing_parts=[SECRET])
    for path in (address(name), f"{address(name)}{row.pk}/change/"):
        page = onlooker.get(path)
        assert page.status_code == 200
        assert "Ziya" not in page.text
        assert f"{len(SECRET)} characters" in page.text or name == "deadletter"


@pytest.mark.parametrize("name", ["message", "thread"])
def test_no_filter_counts_its_rows(onlooker: Client, stored: Stored, name: str) -> None:
    stored()
    plain = len(queries_of(onlooker, address(name)))
    assert len(queries_of(onlooker, f"{address(name)}?_facets=True")) == plain


def test_a_row_says_when_it_came_to_be(onlooker: Client) -> None:
    entry = AuditEntry.objects.create(actor="ayse", action="guard.force")
    assert f"{entry.at:%Y}" in onlooker.get(f"{address('auditentry')}{entry.pk}/change/").text


def test_a_message_is_found_by_its_id_and_by_its_threads(onlooker: Client, stored: Stored) -> None:
    mine, other = stored(thread_id="t1"), stored(thread_id="t2")
    for term in (str(mine.client_msg_id), "t1"):
        page = onlooker.get(address("message"), {"q": term})
        assert str(mine.client_msg_id) in page.text
        assert str(other.client_msg_id) not in page.text
    assert str(mine.client_msg_id) not in onlooker.get(address("message"), {"q": "Ziya"}).text


def test_a_search_uses_an_index(onlooker: Client, stored: Stored) -> None:
    row = stored()
    sent = queries_of(onlooker, f"{address('message')}?q={row.client_msg_id}")
    assert not [sql for sql in sent if "LIKE" in sql or "UPPER" in sql or "CAST" in sql], sent


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (MirrorState.PENDING, "waiting"),
        (MirrorState.IN_FLIGHT, "waiting"),
        (MirrorState.HELD, "held"),
        (MirrorState.DEAD, "dead"),
    ],
)
def test_messages_are_filtered_by_where_they_are(
    onlooker: Client, stored: Stored, state: MirrorState, word: str
) -> None:
    wanted, other = stored(state), stored(MirrorState.MIRRORED)
    page = onlooker.get(address("message"), {"mirror": word})
    assert str(wanted.client_msg_id) in page.text
    assert str(other.client_msg_id) not in page.text


def test_threads_are_filtered_by_what_they_wait_for(onlooker: Client, stored: Stored) -> None:
    stored(thread_id="busy")
    stored(thread_id="idle")
    Thread.objects.filter(pk="busy").update(holds_messages=True)
    page = onlooker.get(address("thread"), {"mirror": "holding"})
    assert "busy" in page.text
    assert "/idle/" not in page.text


def test_the_audit_is_found_by_operator_and_by_action(onlooker: Client) -> None:
    AuditEntry.objects.create(actor="ayse", action="guard.force")
    AuditEntry.objects.create(actor="mehmet", action="guard.clear")
    assert "mehmet" not in onlooker.get(address("auditentry"), {"q": "ayse"}).text
    assert "mehmet" not in onlooker.get(address("auditentry"), {"action": "guard.force"}).text


@pytest.mark.parametrize("name", LISTS[:-1])
def test_rows_are_neither_added_changed_nor_deleted_by_hand(onlooker: Client, stored: Stored, name: str) -> None:
    row = stored(MirrorState.DEAD)
    before = Message.objects.get(pk=row.pk)
    for path in (f"{address(name)}add/", f"{address(name)}{row.pk}/delete/"):
        assert onlooker.post(path, {"post": "yes"}).status_code in (302, 403)
    onlooker.post(f"{address('message')}{row.pk}/change/", {"text": "other"})
    assert Message.objects.get(pk=row.pk).text == before.text


def test_strangers_are_sent_to_the_log_in(db: None, settings: Settings) -> None:
    for path in (*map(address, LISTS), "/admin/memory/", "/admin/memory/now/", "/admin/memory/force/"):
        answer = Client(SERVER_NAME="localhost").get(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")


def test_every_action_of_the_audit_can_be_chosen() -> None:
    sources = (path.read_text() for folder in ("assistant", "workers") for path in (ROOT / folder).rglob("*.py"))
    written = {action for source in sources for action in re.findall(r'AuditEntry.*\baction="([^"]+)"', source)}
    assert "erasure.request" in written
    assert written - set(ACTIONS) == set()
