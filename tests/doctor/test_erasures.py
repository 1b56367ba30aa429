"""What the doctor says of erasures: none, under way, put off, and by which archive."""

from datetime import timedelta

import pytest
from django.utils import timezone

from assistant.doctor import erasures
from assistant.doctor.findings import Status
from assistant.models import Erasure, User
from assistant.personal_data import erasure

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


@pytest.fixture
def asked(ayse: User) -> Erasure:
    return erasure.request(ayse, "op")


def test_nothing_is_wrong_where_none_waits_or_one_is_under_way(db: None) -> None:
    assert [found.status for found in erasures.look()] == [Status.OK]
    erasure.request(User.objects.create_user("mehmet"), "op")

    [found] = erasures.look()

    assert (found.status, found.found) == (Status.OK, "1 are under way, none is put off.")


@pytest.mark.parametrize(("minutes", "status"), [(5, Status.WARNING), (61, Status.FAILED)])
def test_one_that_is_put_off_is_told_with_its_reason(asked: Erasure, minutes: int, status: Status) -> None:
    Erasure.objects.update(failure="connection", requested_at=timezone.now() - timedelta(minutes=minutes))

    [found] = erasures.look()

    assert found.status == status
    assert f"Erasure {asked.pk} of a person has waited" in found.found
    assert found.found.endswith(": connection.")
    assert found.do == "ops/runbooks/alerts.md#memoryerasureoverdue"
    assert asked.receipt not in str(found)


def test_the_archive_that_holds_one_is_named(asked: Erasure) -> None:
    Erasure.objects.update(failure="bring_back: unavailable: archive 12 +3")

    [found] = erasures.look()

    assert "archive 12 +3" in found.found
    assert found.do.startswith("manage.py archive verify 12; ")


def test_a_file_that_stays_is_named_too_and_reading_it_is_not_advised(asked: Erasure) -> None:
    Erasure.objects.update(failure="remove_archive_files: not removed: archive 12")

    [found] = erasures.look()

    assert found.found.endswith(": remove_archive_files: not removed: archive 12.")
    assert found.do == "ops/runbooks/alerts.md#memoryerasureoverdue"


def test_only_a_few_are_told(asked: Erasure) -> None:
    Erasure.objects.bulk_create(
        Erasure(receipt=f"r{n}", scope="thread", memory_id=asked.memory_id, due_at=timezone.now(), failure="timeout")
        for n in range(20)
    )

    assert len(erasures.look()) == erasures.SHOWN
