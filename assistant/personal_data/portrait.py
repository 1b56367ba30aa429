"""Everything held about one user, as a ZIP of JSON files with a manifest. Knows what is held; not who may have it.

Rows are read in portions and written as they come, so that memory stays the same however much was said.
"""

import hashlib
import json
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from django.db.models import Q
from django.utils import timezone

from assistant.archive import reading
from assistant.archive.errors import ArchiveError, ArchiveUnavailable
from assistant.models import Archive, AuditEntry, Message, Thread, User
from assistant.personal_data import zep_copy
from assistant.personal_data.export_files import Out
from assistant.personal_data.receipts import as_receipt
from assistant.personal_data.unnaming import NOBODYS_NAMES

FORMAT_VERSION = 1
ROWS_AT_ONCE = 500
TOKEN_FIELDS = ("name", "created_at", "expires_at", "revoked_at")
THREAD_FIELDS = ("id", "created_at", "last_message_at", "archived_at", "known_to_zep_at", "summary")
MESSAGE_FIELDS = (
    "thread_id",
    "sequence",
    "client_msg_id",
    "role",
    "text",
    "created_at",
    "agent",
    "rich",
    "memory_trace",
    "mirror_state",
    "mirrored_at",
    "mirror_error",
    "redactions",
    "outgoing_parts",
)
Record = Mapping[str, Any]


def write(
    user: User,
    out: Out,
    *,
    zep_seconds: float,
    zep_pauses: Sequence[float] = (),
    got_on: Callable[[], None] = lambda: None,
) -> None:
    """Write the ZIP. `zep_seconds`: how long Zep may be asked; what it did not say by then the manifest names.

    `zep_pauses`: in seconds, before what Zep did not answer is asked again. `got_on` is called for each record,
    and where none may be written for long: for each session that Zep is asked for, and each portion that is looked for.
    """
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        files = _Files(packed, got_on)
        files.add("profile.json", iter([_profile(user)]))
        files.add("tokens.json", user.api_tokens.values(*TOKEN_FIELDS).iterator())
        files.add("threads.json", user.threads.values(*THREAD_FIELDS).order_by("pk").iterator())
        messages = _Messages(user)
        files.add("messages.json", iter(messages))
        files.add("archives.json", _archives(user))
        files.add("receipts.json", (as_receipt(erasure) for erasure in user.erasures.all()))
        files.add("audit.json", _audit(user, got_on))
        asked = zep_copy.Asked(user, time.monotonic() + zep_seconds, zep_pauses, got_on)
        files.add("zep/messages.json", asked.messages())
        files.add("zep/facts.json", asked.facts())
        manifest = {
            "format_version": FORMAT_VERSION,
            "made_at": timezone.now(),
            "zep": asked.outcome(),
            "archives": messages.outcome(),
            "files": files.listed,
        }
        packed.writestr("manifest.json", _json(manifest))


class _Files:
    """The files written so far, each an array of records, with what the manifest says of them."""

    def __init__(self, packed: zipfile.ZipFile, got_on: Callable[[], None]) -> None:
        self._packed, self._got_on = packed, got_on
        self.listed: list[dict[str, object]] = []

    def add(self, name: str, records: Iterator[Record]) -> None:
        digest, size, count = hashlib.sha256(), 0, 0
        with self._packed.open(name, "w", force_zip64=True) as file:
            for chunk, is_record in _array(records):
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                count += is_record
                self._got_on()
        self.listed.append({"name": name, "records": count, "bytes": size, "sha256": digest.hexdigest()})


def _array(records: Iterator[Record]) -> Iterator[tuple[bytes, bool]]:
    yield b"[", False
    separator = b"\n"
    for record in records:
        yield separator + _json(record), True
        separator = b",\n"
    yield b"\n]\n", False


def _json(value: object) -> bytes:
    return json.dumps(value, default=str, ensure_ascii=False).encode()


def _profile(user: User) -> Record:
    names = ("username", "first_name", "last_name", "email", "date_joined", "last_login", "memory_on", "memory_id")
    return {name: getattr(user, name) for name in names}


class _Messages:
    """Every message in its place, archived ones with what their file holds. One query for each 500.

    By thread, so that an archive's file is opened once or twice, whatever it holds.
    """

    def __init__(self, user: User) -> None:
        self._user = user
        self._unreadable: dict[int, str] = {}  # why, of each archive
        self._is_away = False  # the storage did not answer: it is asked nothing more

    def __iter__(self) -> Iterator[Record]:
        thread_id, sequence = "", 0
        while rows := self._after(thread_id, sequence):
            thread_id, sequence = rows[-1].thread_id, rows[-1].sequence
            for archive_id, group in groupby(rows, key=lambda row: row.archive_id):
                together = list(group)
                if archive_id is not None:
                    self._fill_in(archive_id, together)
                yield from ({name: getattr(row, name) for name in MESSAGE_FIELDS} for row in together)

    def outcome(self) -> dict[str, object]:
        """For the manifest: whether every archive could be read; else which could not, and why."""
        if not self._unreadable:
            return {"complete": True}
        names = ("pk", "name", "thread_id", "first_sequence", "last_sequence")
        rows = (
            Archive.objects.filter(thread__user=self._user, pk__in=list(self._unreadable)).order_by("pk").values(*names)
        )
        unreadable = [{"reason": self._unreadable[row.pop("pk")]} | row for row in rows]
        return {"complete": False, "reason": next(iter(self._unreadable.values())), "unreadable": unreadable}

    def _after(self, thread_id: str, sequence: int) -> list[Message]:
        later = Q(thread_id__gt=thread_id) | Q(thread_id=thread_id, sequence__gt=sequence)
        return list(Message.objects.filter(later, user=self._user).order_by("thread_id", "sequence")[:ROWS_AT_ONCE])

    def _fill_in(self, archive_id: int, rows: list[Message]) -> None:
        if self._is_away:
            self._unreadable.setdefault(archive_id, ArchiveUnavailable.reason)
            return
        try:
            reading.fill_in(*rows)
        except ArchiveError as error:
            self._unreadable[archive_id] = error.reason
            self._is_away = isinstance(error, ArchiveUnavailable)


def _archives(user: User) -> Iterator[Record]:
    """Which files hold older messages; what they hold is among the messages."""
    names = ("thread_id", "name", "state", "created_at", "first_sequence", "last_sequence", "message_count")
    yield from Archive.objects.filter(thread__user=user).order_by("pk").values(*names).iterator()


def _audit(user: User, got_on: Callable[[], None]) -> Iterator[Record]:
    """What they did themselves, and what was done to them: each entry once, in order.

    The entries' numbers are found first: those about threads for 500 threads at a time, and many name several.
    """
    numbers = set(_numbers_of(_about_themselves(user)))
    for about in _about_their_threads(user):
        got_on()
        numbers.update(_numbers_of(about))
    found = sorted(numbers)
    for at in range(0, len(found), ROWS_AT_ONCE):
        some = AuditEntry.objects.filter(pk__in=found[at : at + ROWS_AT_ONCE])
        yield from some.order_by("pk").values("at", "action", "details")


def _about_themselves(user: User) -> Q:
    about = Q(details__user=user.pk) | Q(details__erasure__in=list(user.erasures.values_list("pk", flat=True)))
    return about if user.username in NOBODYS_NAMES else about | Q(actor=user.username)


def _about_their_threads(user: User) -> Iterator[Q]:
    """A condition for each 500 of the user's threads."""
    threads = Thread.objects.filter(user=user).order_by("pk").values_list("pk", flat=True)
    last = ""
    while some := list(threads.filter(pk__gt=last)[:ROWS_AT_ONCE]):
        last = some[-1]
        yield Q(details__thread_id__in=some) | Q(details__thread__in=some)


def _numbers_of(about: Q) -> list[int]:
    return list(AuditEntry.objects.filter(about).values_list("pk", flat=True))
