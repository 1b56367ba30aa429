"""API tokens: shown once, ending at their time, taken back at once."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assistant import tokens
from assistant.models import ApiToken, AuditEntry, User
from tests.admin.conftest import browser_of, member
from tests.support.chatting import ChatClient

pytestmark = pytest.mark.django_db(transaction=True)
TOKENS = "/admin/assistant/apitoken/"


@pytest.fixture
def issuer(ayse: User) -> Client:
    return browser_of(member("issuer", "view_apitoken", "add_apitoken", "change_apitoken"))


def test_a_token_is_shown_once_and_kept_as_a_hash(issuer: Client, ayse: User) -> None:
    answer = issuer.post(f"{TOKENS}add/", {"user": "ayse", "name": "app", "expires_days": "30"})
    shown = next(word for word in answer.text.replace("<", " ").replace(">", " ").split() if word.startswith("ei_"))
    assert tokens.owner_of(shown) == ayse
    assert "no-store" in answer["Cache-Control"]
    row = ApiToken.objects.get()
    for page in (issuer.get(TOKENS), issuer.get(f"{TOKENS}{row.pk}/change/")):
        assert shown not in page.text
        assert row.digest not in page.text
    assert shown not in str(issuer.session.items()) + str(issuer.cookies)
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action) == ("issuer", "token.issue")
    assert entry.details == {"token": row.pk, "user": ayse.pk, "expires_days": 30}


def test_issuing_takes_a_permission_of_its_own(steerer: Client, ayse: User) -> None:
    assert steerer.post(f"{TOKENS}add/", {"user": "ayse"}).status_code == 403
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(("field", "value"), [("user", "nobody"), ("expires_days", "0"), ("expires_days", "3651")])
def test_a_wrong_field_is_said(issuer: Client, field: str, value: str) -> None:
    answer = issuer.post(f"{TOKENS}add/", {"user": "ayse", "expires_days": "1"} | {field: value})
    assert "errorlist" in answer.text
    assert not ApiToken.objects.exists()


def test_a_revoked_token_is_nobodys(issuer: Client, ayse: User) -> None:
    kept, taken = tokens.issue(ayse), tokens.issue(ayse)
    pk = ApiToken.objects.get(digest=tokens.digest(taken)).pk
    for _ in range(2):
        issuer.post(TOKENS, {"action": "revoke", "_selected_action": [pk], "confirmed": "yes"})
    assert tokens.owner_of(taken) is None
    assert tokens.owner_of(kept) == ayse
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["token.revoke"], "the second changed nothing"


def test_a_token_ends_at_its_time(ayse: User) -> None:
    token = tokens.issue(ayse, expires_days=1)
    assert tokens.owner_of(token) == ayse
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert tokens.owner_of(token) is None


@pytest.mark.usefixtures("redis_server", "standin")
@pytest.mark.parametrize("change", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now()}])
async def test_who_has_a_token_that_is_no_more_gets_401(ayse: User, token: str, change: dict[str, object]) -> None:
    await ApiToken.objects.aupdate(**change)
    answer = await ChatClient(token).post({"message": "hello"})
    assert answer.status_code == 401


def test_looking_a_token_up_is_one_query(ayse: User) -> None:
    token = tokens.issue(ayse, expires_days=1)
    with CaptureQueriesContext(connection) as captured:
        tokens.owner_of(token)
    assert len(captured) == 1


def test_the_list_says_what_each_is(issuer: Client, ayse: User) -> None:
    for name in ("fine", "over", "back"):
        tokens.issue(ayse, name)
    ApiToken.objects.filter(name="over").update(expires_at=timezone.now())
    ApiToken.objects.filter(name="back").update(revoked_at=timezone.now())
    for state, name in (("valid", "fine"), ("expired", "over"), ("revoked", "back")):
        page = issuer.get(TOKENS, {"state": state}).text
        assert [each for each in ("fine", "over", "back") if f">{each}<" in page] == [name]


def test_the_command_issues_tokens_that_end(ayse: User) -> None:
    said = StringIO()
    call_command("issue_token", "ayse", "--expires-days", "7", "--operator", "mehmet", stdout=said, stderr=StringIO())
    row = ApiToken.objects.get()
    assert tokens.owner_of(said.getvalue().split()[-1]) == ayse
    assert row.expires_at is not None
    assert timedelta(days=6) < row.expires_at - timezone.now() < timedelta(days=8)
    assert AuditEntry.objects.get().actor == "mehmet"


@pytest.mark.parametrize("days", ["0", "3651", "-1", "x"])
def test_the_command_refuses_impossible_ends(ayse: User, days: str) -> None:
    with pytest.raises((CommandError, SystemExit)):
        call_command("issue_token", "ayse", "--expires-days", days, stderr=StringIO())
    assert not ApiToken.objects.exists()
