"""What names a person outside conversations: gone when the erasure is complete; the request waits for none of it."""

from collections.abc import Callable, Sequence
from importlib import import_module

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext

from assistant.models import AuditEntry, AuditWord, DrillRun, Erasure, ModeTransition, Thread, User
from assistant.personal_data import erasure, progress, traces, unnaming
from tests.personal_data.conftest import Say, finish, time_passes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]
BOOKKEEPING = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "PRAGMA")
KEPT_BY_AUDIT = ("assistant_auditentry", "assistant_auditword", "django_session", "axes_", "django_admin_log")


def queries_of(work: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        work()
    said = [str(query["sql"]) for query in captured.captured_queries]
    return [sql for sql in said if not sql.startswith(BOOKKEEPING)]


def entries_about(thread_id: str, many: int) -> None:
    expired = {"action": "archive.expire", "actor": "retention"}
    AuditEntry.objects.bulk_create(
        AuditEntry(**expired, details={"archive": n, "thread_id": thread_id, "messages": 50}) for n in range(many)
    )


def audit() -> list[tuple[str, object]]:
    return list(AuditEntry.objects.order_by("pk").values_list("actor", "details"))


def session_of(user: User) -> str:
    """A log-in of the admin, as the session's engine stores it."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store["_auth_user_id"] = str(user.pk)
    store.save()
    return str(store.session_key)


def test_of_who_is_called_like_nobodys_account_log_ins_and_the_admins_lines_go_too() -> None:
    user = User.objects.create_user("schedule")
    session = session_of(user)
    about = {"content_type": ContentType.objects.get_for_model(User), "object_id": str(user.pk)}
    op = User.objects.create_user("op")
    LogEntry.objects.create(user=op, object_repr="schedule", action_flag=CHANGE, **about)

    finish(erasure.request(user, "op"))

    assert not Session.objects.filter(pk=session).exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("whole", [True, False])
def test_a_thread_called_like_a_word_of_the_audit_takes_nothing_else_out_of_it(
    say: Say, ayse: User, *, whole: bool
) -> None:
    AuditEntry.objects.create(actor="op", action="guard.force", details={"reason": "upgrade", "seconds": 60})
    AuditEntry.objects.create(actor="op", action="context.invalidate", details={"thread": "upgrade"})
    say("hello", "upgrade")

    finish(erasure.request(ayse, "op") if whole else erasure.request_thread(ayse, "upgrade", "op"))

    assert audit()[:2] == [("op", {"reason": "upgrade", "seconds": 60}), ("op", {"thread": "erased"})]


def test_the_name_goes_from_the_audit_but_what_was_done_stays(say: Say, ayse: User) -> None:
    User.objects.filter(pk=ayse.pk).update(email="ayse@example.org")
    AuditEntry.objects.create(actor="ayse", action="guard.force", details={"reason": "upgrade"})
    AuditEntry.objects.create(actor="op", action="token.issue", details={"user": "ayse", "many": ["ayse", "x"]})
    AuditEntry.objects.create(actor="op", action="backfill", details={"thread_id": "t1", "messages": 3})
    AuditEntry.objects.create(actor="op", action="other", details={"reason": "ayse-like", "to": "ayse@example.org"})
    say("hello")

    done = finish(erasure.request(User.objects.get(), "ayse"))

    assert done.state == Erasure.State.COMPLETED
    assert audit()[:5] == [
        ("erased", {"reason": "upgrade"}),
        ("op", {"user": "erased", "many": ["erased", "x"]}),
        ("op", {"thread_id": "erased", "messages": 3}),
        ("op", {"reason": "ayse-like", "to": "erased"}),
        ("user", {"erasure": done.pk, "scope": "person"}),
    ]
    assert done.counts["audit_entries"] == 4
    assert done.names is None
    assert not AuditWord.objects.filter(word__in=["ayse", "ayse@example.org", "t1"]).exists()


def test_one_threads_name_goes_from_the_audit_too(say: Say, ayse: User) -> None:
    for thread_id in ("goes", "stays"):
        say("hello", thread_id)
        entries_about(thread_id, 2)

    done = finish(erasure.request_thread(ayse, "goes", "op"))

    named = [details["thread_id"] for _, details in audit() if "thread_id" in details]  # type: ignore[operator, index]
    assert named == ["erased", "erased", "stays", "stays"]
    assert (done.state, done.counts["audit_entries"]) == (Erasure.State.COMPLETED, 2)


@pytest.mark.parametrize("others", [0, 1_200])
def test_names_that_json_writes_in_another_way_and_among_many_are_found_too(ayse: User, others: int) -> None:
    User.objects.filter(pk=ayse.pk).update(username="Şükrü", email='Şükrü "the owner"')
    Thread.objects.bulk_create(Thread(id=f"t{n}", user=ayse) for n in range(others + 8))
    AuditEntry.objects.create(actor="Şükrü", action="other")
    for key, word in (("name", "Şükrü"), ("name", 'Şükrü "the owner"'), ("thread", f"t{others + 7}")):
        AuditEntry.objects.create(actor="op", action="other", details={"deep": [{key: word}]})

    done = finish(erasure.request(User.objects.get(), "op"))

    assert done.counts["audit_entries"] == 4
    told = [("op", {"deep": [{key: "erased"}]}) for key in ("name", "name", "thread")]
    assert audit()[:4] == [("erased", {}), *told]


def test_a_thread_called_like_an_operator_leaves_who_did_what_as_it_is(say: Say, ayse: User) -> None:
    """People choose their threads' names, and would otherwise take any operator's off the audit."""
    say("hello", "zeki")
    AuditEntry.objects.create(actor="zeki", action="context.invalidate", details={"thread": "zeki"})

    finish(erasure.request_thread(ayse, "zeki", "op"))

    assert audit()[0] == ("zeki", {"thread": "erased"})


def test_what_is_written_while_the_erasure_is_under_way_is_unnamed_before_it_is_complete(say: Say, ayse: User) -> None:
    say("hello")
    asked = erasure.request(ayse, "op")
    progress.carry_out(asked.pk)
    AuditEntry.objects.create(actor="ayse", action="context.invalidate", details={"thread": "t1"})
    time_passes()

    finish(asked)

    assert ("erased", {"thread": "erased"}) in audit()


def test_who_has_the_name_after_the_person_keeps_it_in_what_they_do(say: Say, ayse: User) -> None:
    say("hello")
    AuditEntry.objects.create(actor="ayse", action="guard.force", details={"by": "ayse"})
    asked = erasure.request(ayse, "op")
    User.objects.create_user("ayse")
    AuditEntry.objects.create(actor="ayse", action="guard.clear", details={"by": "ayse", "thread": "t1"})
    AccessLog.objects.create(username="ayse")

    finish(asked)

    assert audit()[0] == ("erased", {"by": "erased"})
    assert ("ayse", {"by": "ayse", "thread": "erased"}) in audit()
    assert AccessLog.objects.filter(username="ayse").exists()


def test_names_are_remembered_when_a_restore_begins_the_erasure_of_who_has_none_any_more(ayse: User) -> None:
    AuditEntry.objects.create(actor="ayse", action="guard.force")
    asked = erasure.request(ayse, "op")

    again = erasure.begin_person(User.objects.get(), "reapply_erasures", asked.receipt)

    assert "ayse" in (again.names or ())
    finish(again)
    assert "ayse" not in str(audit())


def test_log_ins_of_the_admin_end_with_the_request_and_are_gone_when_it_is_complete(ayse: User) -> None:
    User.objects.filter(pk=ayse.pk).update(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(User.objects.get())
    others = session_of(User.objects.create_user("zeki"))
    assert client.get("/admin/assistant/auditentry/").status_code == 200

    asked = erasure.request(User.objects.get(username="ayse"), "op")

    assert client.get("/admin/assistant/auditentry/").status_code == 302
    done = finish(asked)
    assert [row.session_key for row in Session.objects.all()] == [others]
    assert done.counts["sessions"] == 1


def test_attempts_to_log_in_under_the_name_go(ayse: User) -> None:
    for name in ("ayse", "zeki"):
        AccessAttempt.objects.create(username=name, ip_address="192.0.2.1", failures_since_start=1)
        AccessFailureLog.objects.create(username=name)
        AccessLog.objects.create(username=name)

    done = finish(erasure.request(ayse, "op"))

    for model in (AccessAttempt, AccessFailureLog, AccessLog):
        assert [row.username for row in model.objects.all()] == ["zeki"]
    assert done.counts["log_in_attempts"] == 3


def test_the_admins_log_of_the_person_and_of_their_threads_goes(say: Say, ayse: User) -> None:
    zeki = User.objects.create_user("zeki")
    say("hello")
    say("hello", "his", zeki)
    about = [(ayse, User, ayse.pk), (zeki, User, ayse.pk), (zeki, Thread, "t1"), (zeki, User, zeki.pk)]
    for by, model, pk in [*about, (zeki, Thread, "his")]:
        LogEntry.objects.create(
            user=by,
            content_type=ContentType.objects.get_for_model(model),
            object_id=str(pk),
            object_repr=str(pk),
            action_flag=CHANGE,
        )

    done = finish(erasure.request(ayse, "op"))

    assert set(LogEntry.objects.values_list("object_id", flat=True)) == {str(zeki.pk), "his"}
    assert done.counts["admin_log"] == 3


def test_the_name_of_one_who_operated_the_system_goes_from_its_history(say: Say, ayse: User) -> None:
    for by in ("ayse", "op"):
        ModeTransition.objects.create(after=ModeTransition.Guard.FORCED, reason="upgrade", by=by)
        DrillRun.objects.create(drill="outage", outcome=DrillRun.Outcome.PASSED, host="h", by=by)

    done = finish(erasure.request(ayse, "op"))

    for model in (ModeTransition, DrillRun):
        assert sorted(model._default_manager.values_list("by", flat=True)) == ["erased", "op"]
    assert done.counts["operators_names"] == 2


@pytest.mark.parametrize("scope", Erasure.Scope)
def test_a_request_asks_the_same_however_long_the_audit_is(scope: Erasure.Scope) -> None:
    """And nothing but one entry of its own: it waits for nothing that is kept for ever."""
    asked: list[list[str]] = []
    for many in (0, 3_000):
        user = User.objects.create_user(f"u{many}")
        Thread.objects.bulk_create(Thread(id=f"{many}-{n}", user=user) for n in range(12))
        entries_about(f"{many}-3", many)
        session_of(user)

        def request(user: User = user, many: int = many) -> None:
            if scope == Erasure.Scope.PERSON:
                erasure.request(user, "op")
            else:
                erasure.request_thread(user, f"{many}-3", "op")

        asked.append(queries_of(request))

    few, many_more = asked
    assert len(few) == len(many_more) <= 30, many_more
    [own] = [sql for sql in many_more if any(table in sql for table in KEPT_BY_AUDIT)]
    assert own.startswith('INSERT INTO "assistant_auditentry"')


def test_the_worker_reads_an_entry_once_and_then_finds_names_by_indexes(ayse: User) -> None:
    entries_about("somebody-elses", 2 * unnaming.ENTRIES_AT_ONCE)
    finish(erasure.request(User.objects.create_user("first"), "op"))
    Thread.objects.create(id="t1", user=ayse)
    entries_about("t1", 3)
    asked = erasure.request(ayse, "op")

    said = queries_of(lambda: progress.carry_out(asked.pk))

    read = [sql for sql in said if sql.startswith("SELECT") and "assistant_audit" in sql]
    assert len(read) <= 12, read
    assert sum("erased" in str(details) for _, details in audit()) == 3


# The queries, and what their index is called: SQLite calls those of constraints after their table.
PLANS: dict[str, tuple[Callable[[], QuerySet[AuditEntry]], Sequence[str]]] = {
    "unlisted": (lambda: AuditEntry.objects.filter(words_listed=False).order_by("pk"), ("audit_unlisted",)),
    "by_actor": (lambda: unnaming.by(["ayse"]), ("audit_by_actor",)),
    "by_word": (lambda: unnaming.about(["ayse"]), ("audit_word_once", "sqlite_autoindex_assistant_auditword")),
}


@pytest.mark.parametrize("name", PLANS)
def test_an_index_is_used(name: str) -> None:
    """However long the audit is. Without it whoever comes after millions of entries reads them all."""
    rows, indexes = PLANS[name]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")  # an empty table is read otherwise
    try:
        plan = rows().explain()
    finally:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("RESET enable_seqscan")
    assert any(index in plan for index in indexes)
    assert "SCAN assistant_auditentry" not in plan.replace("SCAN assistant_auditentry USING", "")


def test_words_are_listed_in_portions_and_again_where_they_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unnaming, "ENTRIES_AT_ONCE", 2)
    entries_about("t1", 5)

    unnaming.list_words()

    assert AuditWord.objects.filter(word="t1").count() == 5
    assert not AuditEntry.objects.filter(words_listed=False).exists()
    with transaction.atomic():
        assert sum(removal() for removal in traces._audit_entries(traces.Whose(None, frozenset(), ("t1",)))) == 5
    assert AuditEntry.objects.filter(words_listed=False).count() == 5
    unnaming.list_words()
    assert not AuditWord.objects.exists()


def test_portions_that_a_kill_left_undone_are_done_by_who_comes_next(
    say: Say, ayse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "ROWS_AT_ONCE", 2)
    say("hello")
    entries_about("t1", 5)
    asked = erasure.request(ayse, "op")
    take_out, portions = unnaming.take_out, []

    def dies_in_the_second(*arguments: object) -> int:
        portions.append(arguments)
        if len(portions) > 2:
            raise SystemExit  # as a kill does, it passes every `except Exception`
        return take_out(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(unnaming, "take_out", dies_in_the_second)
    with pytest.raises(SystemExit):
        progress.carry_out(asked.pk)
    monkeypatch.setattr(unnaming, "take_out", take_out)
    assert AuditEntry.objects.filter(details__thread_id="t1").count() == 3

    done = finish(asked)

    assert not AuditEntry.objects.filter(details__thread_id="t1").exists()
    assert done.counts["audit_entries"] == 5
