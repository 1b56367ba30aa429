"""Archiving, restoring and erasing by operators: asked first, with a permission, and never past the erasure."""

from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from assistant.models import Archive, AuditEntry, Erasure, Message, MirrorState, Thread, User
from tests.admin.conftest import LOOKS, Stored, browser_of, member
from tests.admin.test_actions import THREADS, actions, choose

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]
ARCHIVES, USERS = "/admin/assistant/archive/", "/admin/assistant/user/"


@pytest.fixture
def eraser(db: None) -> Client:
    return browser_of(member("eraser", *LOOKS, "steer_memory", "delete_user", "delete_thread"))


@pytest.fixture
def talk(stored: Stored, settings: Settings, tmp_path: Path) -> Thread:
    local = settings.STORAGES["archive"] | {"OPTIONS": {"location": str(tmp_path / "archives")}}
    settings.STORAGES = settings.STORAGES | {"archive": local}
    for number in range(15):
        stored(MirrorState.MIRRORED, text=f"said {number}")
    return Thread.objects.get()


def test_a_thread_is_archived_and_its_archive_restored(steerer: Client, talk: Thread) -> None:
    said = list(Message.objects.order_by("sequence").values_list("text", flat=True))

    choose(steerer, THREADS, "archive", talk.pk)
    archive = Archive.objects.get()
    assert Message.objects.filter(archive=archive, text="").count() == 5

    assert choose(steerer, ARCHIVES, "restore", archive.pk, confirmed=False).status_code == 200
    assert Message.objects.filter(archive=archive).exists()
    choose(steerer, ARCHIVES, "restore", archive.pk)
    assert list(Message.objects.order_by("sequence").values_list("text", flat=True)) == said
    assert actions() == ["archive.thread", "archive.restore"]


def test_a_thread_and_a_person_are_erased_only_by_who_may(steerer: Client, eraser: Client, talk: Thread) -> None:
    for path, pk in ((THREADS, talk.pk), (USERS, talk.user_id)):
        choose(steerer, path, "erase", pk)
        choose(eraser, path, "erase", pk, confirmed=False)
    assert not Erasure.objects.exists()

    for path, pk in ((THREADS, talk.pk), (USERS, talk.user_id)):
        choose(eraser, path, "erase", pk)

    assert list(Erasure.objects.order_by("pk").values_list("scope", flat=True)) == ["thread", "person"]
    assert set(AuditEntry.objects.filter(action="erasure.request").values_list("actor", flat=True)) == {"eraser"}


def test_staff_is_passed_over(eraser: Client, db: None) -> None:
    choose(eraser, USERS, "erase", *User.objects.values_list("pk", flat=True))

    assert not Erasure.objects.exists()


def test_nobody_deletes_a_persons_row_by_hand(ayse: User) -> None:
    """Not of one without a thread either: a backup might bring them back, and no ledger would know."""
    owner = User.objects.create_superuser("owner")
    browser = browser_of(owner)

    assert browser.post(f"{USERS}{ayse.pk}/delete/", {"post": "yes"}).status_code == 403
    browser.post(USERS, {"action": "delete_selected", "_selected_action": [str(ayse.pk)], "post": "yes"})

    assert User.objects.filter(pk=ayse.pk).exists()
