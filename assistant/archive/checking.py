"""Looking after archives: each file against its rows, and files that belong to no archive. Deletes nothing."""

import re
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from assistant.archive import restoring, storage
from assistant.models import Archive

TIMESTAMP = re.compile(r"_([0-9]{8}T[0-9]{12})Z\.json")
MAY_BE_UNDER_WAY = timedelta(hours=1)
AT_ONCE = 500


def verify(archive: Archive) -> int:
    """Read the file, compare it with its rows, note when; return how many messages it holds. Raise ArchiveError."""
    held = restoring.check(archive.pk)
    Archive.objects.filter(pk=archive.pk).update(verified_at=timezone.now())
    return held


def strays(now: datetime) -> list[str]:
    """Files without a row, older than an hour: of an archiver that was killed after its thread had been erased.

    Raise ArchiveUnavailable.
    """
    names = storage.names()
    unknown = []
    for at in range(0, len(names), AT_ONCE):
        some = names[at : at + AT_ONCE]
        known = set(Archive.objects.filter(name__in=some).values_list("name", flat=True))
        unknown += [name for name in some if name not in known and _is_old(name, now)]
    return unknown


def _is_old(name: str, now: datetime) -> bool:
    found = TIMESTAMP.search(name)
    if found is None:
        return True
    written = datetime.strptime(found[1], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
    return now - written > MAY_BE_UNDER_WAY
