"""What an archive's document and its sealing promise: everything comes back, and nothing damaged is opened."""

import gzip
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from assistant.archive import document
from assistant.archive.document import Subject
from assistant.archive.errors import ArchiveDamaged, ArchiveKeyMissing, ArchiveNotConfigured
from assistant.archive.sealing import Sealed, seal, unseal, writing_key_id
from assistant.models import Message, MirrorState

NOW = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
SUBJECT = Subject(uuid.UUID(int=7), "t1", archived_before=5)

moments = st.datetimes(timezones=st.just(UTC))
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
rows = st.builds(
    Message,
    id=st.integers(1, 2**62),
    thread_id=st.just("t1"),
    sequence=st.integers(1, 2**62),
    client_msg_id=st.uuids(),
    role=st.sampled_from(Message.Role.values),
    text=texts,
    created_at=moments,
    agent=st.sampled_from(["", "general", "real_estate"]),
    rich=plain,
    memory_trace=plain,
    mirror_state=st.sampled_from(MirrorState.values),
    mirror_attempts=st.integers(0, 99),
    mirrored_at=st.none() | moments,
    replayed_at=st.none() | moments,
    redactions=st.none() | st.dictionaries(st.sampled_from(["email", "phone"]), st.integers(1, 9)),
    outgoing_sha256=st.sampled_from(["", "ab" * 32]),
    outgoing_policy=st.sampled_from(["", "1:email,phone"]),
)


def said(text: str = "I need a 2 bedroom in Girne", **more: Any) -> Message:
    known = {"id": 1, "thread_id": "t1", "sequence": 1, "client_msg_id": uuid.UUID(int=1)}
    usual = {"role": "user", "text": text, "created_at": NOW, "outgoing_policy": ""}
    return Message(**known | usual | more)


@given(st.lists(rows, min_size=1, max_size=5))
def test_every_column_of_every_message_comes_back_as_it_was(given_rows: list[Message]) -> None:
    opened = document.read(unseal(seal(document.write(SUBJECT, given_rows, NOW, "threshold"))))

    assert [document.message(entry) for entry in opened.history] == [
        {name: getattr(row, name) for name in document.columns()} for row in given_rows
    ]


def test_the_document_has_the_fields_that_others_read() -> None:
    later = said("x" * 9, id=2, sequence=2, role="assistant", created_at=NOW + timedelta(seconds=90))

    fields = json.loads(document.write(SUBJECT, [said("four"), later], NOW, "age"))

    assert fields["user_id"] == str(SUBJECT.user_id)
    assert fields["conversation_id"] == "t1"
    assert fields["archived_at"] == NOW.isoformat()
    assert fields["message_count"] == 2
    assert fields["session_info"] == {"duration_seconds": 90.0, "token_count": 4, "archived_message_count": 7}
    assert [(m["role"], m["content"]) for m in fields["conversation_history"]] == [
        ("user", "four"),
        ("assistant", "x" * 9),
    ]


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    fields = json.loads(document.write(SUBJECT, [said()], NOW, "age"))
    change(fields)
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b"", "shape"),
        (b"[]", "shape"),
        (b'{"format": 1}', "no archive"),
        (changed(lambda f: f.update(format_version=2)), "version 2"),
        (changed(lambda f: f["conversation_history"][0].update(content="another")), "checksum"),
        (changed(lambda f: f["conversation_history"].pop()), "checksum"),
        (changed(lambda f: f.update(message_count=2)), "checksum"),
        (changed(lambda f: f.pop("archived_at")), "shape"),
        (b"[" * 100_000, "shape"),
    ],
)
def test_a_document_that_is_not_right_is_refused_with_the_reason(broken: bytes, reason: str) -> None:
    with pytest.raises(ArchiveDamaged, match=reason):
        document.read(broken)


def test_the_same_document_is_compressed_to_the_same_bytes(settings: Settings) -> None:
    settings.ARCHIVE_ENCRYPTION = False

    assert seal(b"x" * 1000) == seal(b"x" * 1000)
    assert gzip.decompress(seal(b"x" * 1000).content) == b"x" * 1000


def test_what_is_stored_shows_nothing_of_the_text() -> None:
    assert b"Girne" not in seal(b"Girne" * 100).content
    assert seal(b"").suffix == ".json.gz.enc"


@pytest.mark.parametrize("at", [0, 5, 50, -1])
def test_a_changed_byte_is_found(at: int) -> None:
    sealed = seal(b"Girne" * 100)
    content = bytearray(sealed.content)
    content[at] ^= 1

    with pytest.raises(ArchiveDamaged):
        unseal(Sealed(bytes(content), sealed.key_id))


@pytest.mark.parametrize("encrypted", [True, False])
def test_what_was_cut_short_is_refused(settings: Settings, encrypted: bool) -> None:
    settings.ARCHIVE_ENCRYPTION = encrypted
    sealed = seal(b"Girne" * 100)

    with pytest.raises(ArchiveDamaged):
        unseal(Sealed(sealed.content[:-9], sealed.key_id))


def test_what_an_older_key_wrote_is_read_after_the_key_was_changed(settings: Settings) -> None:
    sealed = seal(b"Girne")
    settings.ARCHIVE_ENCRYPTION_KEY = [Fernet.generate_key().decode(), *settings.ARCHIVE_ENCRYPTION_KEY]

    assert unseal(sealed) == b"Girne"
    assert seal(b"Girne").key_id == writing_key_id() != sealed.key_id


def test_without_the_key_the_reason_names_it(settings: Settings) -> None:
    sealed = seal(b"Girne")
    settings.ARCHIVE_ENCRYPTION_KEY = [Fernet.generate_key().decode()]

    with pytest.raises(ArchiveKeyMissing, match=sealed.key_id):
        unseal(sealed)


def test_nothing_is_written_in_the_clear_because_a_key_is_missing(settings: Settings) -> None:
    settings.ARCHIVE_ENCRYPTION_KEY = []

    with pytest.raises(ArchiveNotConfigured):
        seal(b"Girne")
