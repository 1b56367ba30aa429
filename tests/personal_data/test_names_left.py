"""What an older version's worker leaves of a newer web process's request: names, and what bears them."""

from datetime import timedelta

import pytest
from axes.models import AccessLog
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assistant.models import AuditEntry, Erasure, User
from assistant.personal_data import erasure, names_left, sealing
from tests.personal_data.conftest import Say, finish
from workers import personal_data

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


def completed_by_an_older_version(user: User) -> Erasure:
    """The row, and everything it named, is gone; of names it knew nothing."""
    asked = erasure.request(user, "op")
    now = timezone.now()
    User.objects.get(pk=user.pk).delete()
    Erasure.objects.filter(pk=asked.pk).update(state=Erasure.State.COMPLETED, due_at=None, completed_at=now)
    return asked


@pytest.fixture
def left(ayse: User) -> Erasure:
    zeki = User.objects.create_user("zeki")
    AuditEntry.objects.create(actor="op", action="token.issue", details={"user": "ayse"})
    AccessLog.objects.create(username="ayse")
    for about in (ayse, zeki):
        LogEntry.objects.create(
            user=zeki,
            content_type=ContentType.objects.get_for_model(User),
            object_id=str(about.pk),
            object_repr=about.username,
            action_flag=CHANGE,
        )
    return completed_by_an_older_version(ayse)


def test_names_that_an_older_worker_left_go_with_the_next_tick(left: Erasure) -> None:
    assert Erasure.objects.get().names == ["ayse"]

    personal_data.tend()

    left.refresh_from_db()
    assert (left.state, left.names) == (Erasure.State.COMPLETED, None)
    assert AuditEntry.objects.filter(details={"user": "erased"}).exists()
    assert not AccessLog.objects.exists()
    assert list(LogEntry.objects.values_list("object_repr", flat=True)) == ["zeki"]
    assert not names_left.found().exists()


def test_a_namesakes_own_stay(left: Erasure) -> None:
    Erasure.objects.update(requested_at=timezone.now() - timedelta(seconds=5))
    User.objects.create_user("ayse")
    AccessLog.objects.all().delete()
    AccessLog.objects.create(username="ayse")

    names_left.remove()

    assert AccessLog.objects.exists()
    assert LogEntry.objects.filter(object_repr="ayse").exists()
    assert not names_left.found().exists()


def test_as_long_as_the_files_cannot_be_sealed_it_is_tried_again(
    left: Erasure, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy() -> None:
        raise sealing.NotSealed

    with monkeypatch.context() as while_busy:
        while_busy.setattr(sealing, "seal", busy)
        assert names_left.remove() == 0
    assert [each.names for each in names_left.found()] == [[]]

    assert names_left.remove() == 1
    assert not names_left.found().exists()


def test_erasures_under_way_and_those_that_left_none_are_left_alone(say: Say, ayse: User) -> None:
    say("hello")
    zeki = User.objects.create_user("zeki")
    finish(erasure.request(ayse, "op"))
    under_way = erasure.request(zeki, "op")

    with CaptureQueriesContext(connection) as queries:
        assert names_left.remove() == 0

    assert len(queries) == 1
    under_way.refresh_from_db()
    assert under_way.names == ["zeki"]
