"""Everything held about one user, as a ZIP of JSON files with a manifest. Knows what is held; not who may have it.

Rows are read in portions and written as they come, so that memory stays the same however much was said.
"""

import hashlib
import json
import time
import zipfile
from collections.abc import Iterator, Mapping
from typing import IO, Any

from django.db.models import Q
from django.utils import timezone

from assistant.models import AuditEntry, Message, Thread, User
from assistant.personal_data import zep_copy
from assistant.personal_data.receipts import as_receipt

FORMAT_VERSION = 1
ROWS_AT_ONCE = 500
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
    "redactions",
    "outgoing_parts",
)
Record = Mapping[str, Any]


def write(user: User, out: IO[bytes], *, zep_seconds: float) -> None:
    """Write the ZIP. `zep_seconds`: how long Zep may be asked; what it did not say by then the manifest names."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        files = _Files(packed)
        files.add("profile.json", iter([_profile(user)]))
        files.add("tokens.json", user.api_tokens.values("name", "created_at").iterator())
        files.add("threads.json", user.threads.values("id", "created_at", "known_to_zep_at").order_by("pk").iterator())
        files.add("messages.json", _messages(user))
        files.add("receipts.json", (as_receipt(erasure) for erasure in user.erasures.all()))
        files.add("audit.json", _audit(user))
        asked = zep_copy.Asked(user, time.monotonic() + zep_seconds)
        files.add("zep/messages.json", asked.messages())
        files.add("zep/facts.json", asked.facts())
        manifest = {
            "format_version": FORMAT_VERSION,
            "made_at": timezone.now(),
            "zep": asked.outcome(),
            "files": files.listed,
        }
        packed.writestr("manifest.json", _json(manifest))


class _Files:
    """The files written so far, each an array of records, with what the manifest says of them."""

    def __init__(self, packed: zipfile.ZipFile) -> None:
        self._packed = packed
        self.listed: list[dict[str, object]] = []

    def add(self, name: str, records: Iterator[Record]) -> None:
        digest, size, count = hashlib.sha256(), 0, 0
        with self._packed.open(name, "w", force_zip64=True) as file:
            for chunk, is_record in _array(records):
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                count += is_record
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


def _messages(user: User) -> Iterator[Record]:
    """In the order in which they were stored; one query for each 500."""
    last = 0
    while rows := list(
        Message.objects.filter(user=user, pk__gt=last).order_by("pk").values("pk", *MESSAGE_FIELDS)[:ROWS_AT_ONCE]
    ):
        last = rows[-1]["pk"]
        yield from ({name: row[name] for name in MESSAGE_FIELDS} for row in rows)


def _audit(user: User) -> Iterator[Record]:
    """What they did themselves, and what was done to them."""
    threads = Thread.objects.filter(user=user).values_list("pk", flat=True)
    about = Q(actor=user.username) | Q(details__user=user.pk) | Q(details__thread_id__in=list(threads[:ROWS_AT_ONCE]))
    about |= Q(details__erasure__in=list(user.erasures.values_list("pk", flat=True)))
    return AuditEntry.objects.filter(about).order_by("pk").values("at", "action", "details").iterator()
