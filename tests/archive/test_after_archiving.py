"""What users notice of archiving: nothing. Replays get the stored answer; what was wanted is still known."""

import hashlib
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from cryptography.fernet import Fernet
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant.archive import archiving, restoring, retention
from assistant.archive.summaries import of as summary_of
from assistant.events import Event, TurnTaken
from assistant.memory import mirror, proof
from assistant.memory.context import ThreadContext
from assistant.memory.zep_client import ZepClient
from assistant.models import Archive, Message, MirrorState, Thread
from assistant.replies.values import Search
from ops.redis_process import RedisProcess
from ops.zep_standin.process import StandIn
from tests.archive.conftest import Grow, files
from tests.support.background import in_the_background
from tests.support.chatting import ChatClient

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("standin", "folder")]


@pytest.fixture
def chat(token: str, redis_server: RedisProcess) -> ChatClient:
    return ChatClient(token)


@sync_to_async
def archive(thread_id: str = "t1", keep: int = 0) -> None:
    """As if the mirror had brought everything to Zep, and an operator had it archived."""
    rows = Message.objects.filter(thread_id=thread_id, archive=None)
    rows.update(mirror_state=MirrorState.MIRRORED, mirrored_at=timezone.now())
    archiving.archive_now(thread_id, "ayse", keep=keep)


@sync_to_async
def count() -> int:
    return Message.objects.count()


async def test_a_replay_of_an_archived_message_gets_the_stored_answer_and_trace(chat: ChatClient) -> None:
    ask = {"thread_id": "t1", "client_msg_id": str(uuid4())}
    first = await chat.say("I need a 2 bedroom in Girne for £700", **ask)
    await chat.say("hello", thread_id="t1")
    await archive()

    again = await chat.say("I need a 2 bedroom in Girne for £700", **ask)

    assert again == first | {"replayed": True}
    assert again["reply"]["rich"]
    assert await count() == 4


async def test_without_its_thread_an_archived_message_finds_it(chat: ChatClient) -> None:
    ask = {"client_msg_id": str(uuid4())}
    first = await chat.say("hello", **ask)
    await archive(first["thread_id"])

    assert await chat.say("hello", **ask) == first | {"replayed": True}


@pytest.mark.parametrize("file_is_there", [True, False])
async def test_another_message_under_an_archived_id_is_a_conflict(
    chat: ChatClient, folder: Path, file_is_there: bool
) -> None:
    ask = {"thread_id": "t1", "client_msg_id": str(uuid4())}
    await chat.say("hello", **ask)
    await archive()
    if not file_is_there:
        files(folder)[0].unlink()

    assert (await chat.post({"message": "something else"} | ask)).status_code == 409
    assert (await chat.post({"message": "hello"} | ask | {"thread_id": "t2"})).status_code == 409


async def test_while_the_archive_cannot_be_read_a_replay_is_told_to_come_back(chat: ChatClient, folder: Path) -> None:
    ask = {"thread_id": "t1", "client_msg_id": str(uuid4())}
    first = await chat.say("hello", **ask)
    await archive()
    [path] = files(folder)
    content = path.read_bytes()
    path.unlink()
    path.mkdir()  # the storage fails, whoever asks

    refused = await chat.post({"message": "hello"} | ask)

    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "archive_unavailable")
    assert "Retry-After" in refused.headers
    path.rmdir()
    path.write_bytes(content)
    assert await chat.say("hello", **ask) == first | {"replayed": True}
    assert (await chat.say("what now?", thread_id="t1"))["ok"]


@pytest.mark.parametrize("damage", ["missing", "cut short"])
async def test_a_replay_of_what_is_lost_is_told_not_to_come_back(chat: ChatClient, folder: Path, damage: str) -> None:
    ask = {"thread_id": "t1", "client_msg_id": str(uuid4())}
    first = await chat.say("hello", **ask)
    await archive()
    [path] = files(folder)
    content = path.read_bytes()
    path.unlink()
    if damage == "cut short":
        path.write_bytes(content[:-1])

    refused = await chat.post({"message": "hello"} | ask)

    assert (refused.status_code, refused.json()["error"]["code"]) == (410, "archive_lost")
    assert "Retry-After" not in refused.headers
    path.write_bytes(content)  # an operator found it in a backup
    assert await chat.say("hello", **ask) == first | {"replayed": True}


async def test_while_the_key_of_an_archive_is_missing_a_replay_is_told_to_come_back(
    chat: ChatClient, settings: Settings
) -> None:
    ask = {"thread_id": "t1", "client_msg_id": str(uuid4())}
    settings.ARCHIVE_ENCRYPTION_KEY = [Fernet.generate_key().decode()]
    await chat.say("hello", **ask)
    await archive()
    settings.ARCHIVE_ENCRYPTION_KEY = [Fernet.generate_key().decode()]

    assert (await chat.post({"message": "hello"} | ask)).status_code == 503


async def test_a_replay_of_what_was_kept_for_its_time_is_gone(chat: ChatClient) -> None:
    ask = {"thread_id": "t1", "client_msg_id": str(uuid4())}
    await chat.say("hello", **ask)
    await archive()
    await sync_to_async(Archive.objects.update)(retained_since=timezone.now() - timedelta(days=9))
    await sync_to_async(lambda: list(retention.expire(timezone.now(), "retention", days=8)))()

    refused = await chat.post({"message": "hello"} | ask)

    assert (refused.status_code, refused.json()["error"]["code"]) == (410, "archive_expired")
    assert (await chat.post({"message": "another"} | ask)).status_code == 409
    assert await count() == 2


async def test_after_the_secret_key_was_changed_the_file_decides(chat: ChatClient, settings: Settings) -> None:
    ask = {"thread_id": "t1", "client_msg_id": str(uuid4())}
    await chat.say("hello", **ask)
    await archive()
    settings.SECRET_KEY = "another"

    assert (await chat.say("hello", **ask))["replayed"]
    assert (await chat.post({"message": "another"} | ask)).status_code == 409


async def test_a_key_of_before_still_knows_what_was_said(chat: ChatClient, folder: Path, settings: Settings) -> None:
    ask = {"thread_id": "t1", "client_msg_id": str(uuid4())}
    await chat.say("hello", **ask)
    await archive()
    files(folder)[0].unlink()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"

    assert (await chat.post({"message": "hello"} | ask)).status_code == 410
    assert (await chat.post({"message": "another"} | ask)).status_code == 409


async def test_a_telephone_number_cannot_be_guessed_from_what_stays(chat: ChatClient) -> None:
    await chat.say("0533 123 45 67", thread_id="t1")
    await archive()
    row = await sync_to_async(Message.objects.filter(role="user").values().get)()

    assert hashlib.sha256(b"0533 123 45 67").hexdigest() not in str(row)
    assert "0533" not in str(row)


async def test_the_proof_of_an_archived_message_holds(chat: ChatClient, standin: StandIn, grow: Grow) -> None:
    ask = {"thread_id": "t1", "client_msg_id": str(uuid4())}
    await chat.say("hello", **ask)
    await sync_to_async(mirror.drain)("t1")
    await sync_to_async(archiving.archive_now)("t1", "ayse", keep=0)

    [proved] = await sync_to_async(proof.prove)(UUID(ask["client_msg_id"]))

    assert proved.holds


WANTED = "I need a 2 bedroom flat to rent in Girne, at most £700 a month"


@pytest.mark.parametrize("kept", [0, 10])
async def test_after_archiving_the_assistant_still_searches_for_what_was_wanted(
    chat: ChatClient, settings: Settings, kept: int
) -> None:
    settings.FLAG_ZEP_READ = False
    await chat.say(WANTED, thread_id="t1")
    before = await chat.say("show me more", thread_id="t1")
    for _ in range(6):
        await chat.say("what is the weather like?", thread_id="t1")
    await archive(keep=kept)

    after = await chat.say("show me flats again", thread_id="t1")

    wanted = before["reply"]["rich"]["search"]
    found = after["reply"]["rich"]["search"]
    assert {name: found[name] for name in ("place", "bedrooms", "max_price_gbp", "tenure")} == {
        name: wanted[name] for name in ("place", "bedrooms", "max_price_gbp", "tenure")
    }
    assert after["trace"]["memory"]["summary"] is True


async def test_what_was_released_stays_released(chat: ChatClient, settings: Settings) -> None:
    settings.FLAG_ZEP_READ = False
    await chat.say(WANTED, thread_id="t1")
    await chat.say("forget about the flat, I don't want one any more", thread_id="t1")
    await archive()

    summary = await sync_to_async(lambda: summary_of(Thread.objects.get()))()

    assert summary is not None
    assert summary.search == Search()
    assert summary.released


async def test_a_second_archive_adds_to_the_summary(chat: ChatClient, settings: Settings) -> None:
    settings.FLAG_ZEP_READ = False
    await chat.say(WANTED, thread_id="t1")
    await archive()
    await chat.say("make it 3 bedrooms", thread_id="t1")
    await archive()

    summary = await sync_to_async(lambda: summary_of(Thread.objects.get()))()

    assert summary is not None
    assert (summary.search.place, summary.search.bedrooms, summary.search.max_price_gbp) == ("Girne", 3, 700)


async def test_zeps_summary_is_kept_and_speaks_where_the_rules_found_nothing(
    chat: ChatClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read_context(_: ZepClient, _thread_id: str) -> ThreadContext:
        return ThreadContext(summary="The user is looking to rent a 3 bedroom villa in Girne. They like the sea.")

    await chat.say("hello", thread_id="t1")
    with monkeypatch.context() as at_zep:
        at_zep.setattr(ZepClient, "read_context", read_context)
        await archive()
    settings.FLAG_ZEP_READ = False

    answer = await chat.say("show me villas", thread_id="t1")

    summary = await sync_to_async(lambda: summary_of(Thread.objects.get()))()
    assert summary is not None
    assert summary.prose.startswith("The user is looking")
    assert answer["reply"]["rich"]["search"]["bedrooms"] == 3


async def test_the_summary_holds_no_word_of_what_was_said(chat: ChatClient, settings: Settings) -> None:
    settings.FLAG_ZEP_READ = False
    await chat.say(f"{WANTED}, my name is Zümrüt, call 0533 123 45 67", thread_id="t1")
    await archive()

    stored = str(await sync_to_async(lambda: Thread.objects.get().summary)())

    assert "Zümrüt" not in stored
    assert "0533" not in stored


async def test_with_the_last_archive_restored_there_is_no_summary(chat: ChatClient, grow: Grow) -> None:
    await chat.say(WANTED, thread_id="t1")
    await archive()

    await sync_to_async(lambda: restoring.restore(Archive.objects.get().pk, "ayse"))()

    assert await sync_to_async(lambda: Thread.objects.get().summary)() is None
    assert "summary" not in (await chat.say("hello", thread_id="t1"))["trace"]["memory"]
    await in_the_background()


async def test_a_turn_counts_the_threads_hot_messages(chat: ChatClient) -> None:
    await chat.say("hello", thread_id="t1")
    await chat.say("hello", thread_id="t1")

    thread = await sync_to_async(Thread.objects.get)()

    assert thread.hot_messages == 4
    assert thread.last_message_at is not None


async def test_the_agent_is_given_the_hot_messages_and_no_empty_ones(chat: ChatClient, announced: list[Event]) -> None:
    for number in range(8):
        await chat.say(f"hello {number}", thread_id="t1")
    await archive(keep=10)

    await chat.say("hello again", thread_id="t1")

    [*_, turn] = [event for event in announced if isinstance(event, TurnTaken)]
    assert turn.history_size == 10
