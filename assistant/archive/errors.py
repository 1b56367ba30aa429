"""What can go wrong with an archive, named for the reader's next move. `reason` is a fixed word for metrics."""

from assistant.errors import EasyIslandersError

REASONS = ("unavailable", "damaged", "key", "lost_lease", "not_configured", "changed", "other")


class ArchiveError(EasyIslandersError):
    """The root: nothing was changed."""

    reason = "other"


class ArchiveUnavailable(ArchiveError):
    """The storage does not answer: try later."""

    reason = "unavailable"


class ArchiveDamaged(ArchiveError):
    """The file is not what was stored: missing, cut short, tampered with, or of another thread. No use to try again."""

    reason = "damaged"


class ArchiveKeyMissing(ArchiveError):
    """None of the configured keys opens the file: put the key that wrote it back into ARCHIVE_ENCRYPTION_KEY."""

    reason = "key"


class ArchiveNotConfigured(ArchiveError):
    """Encryption is on, and there is no key to encrypt with."""

    reason = "not_configured"


class ArchiveExpired(ArchiveError):
    """The archive was deleted when its time was over: what it held is gone."""

    reason = "expired"


class ArchiveNotFound(ArchiveError):
    """There is no such archive, or none that is stored."""

    reason = "other"


class ThreadBusy(ArchiveError):
    """Somebody else works on the thread, or it is being erased: try later."""

    reason = "lost_lease"


class ThreadChanged(ArchiveError):
    """The rows are not what they were when they were read: try later."""

    reason = "changed"
