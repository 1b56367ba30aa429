"""Archives whose file the storage does not give, or does not let go of, while it answers for others: they are named.

A file in cold storage, a key that a bucket refuses: no time mends that, so somebody has to be told which one it is.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from assistant.archive import reach
from assistant.archive.errors import ArchiveUnavailable
from assistant.errors import EasyIslandersError


class ArchivesHold(EasyIslandersError):
    """The erasure waits for these archives. `reason` names the first, and how many more there are."""

    def __init__(self, what: str, archives: Sequence[int]) -> None:
        more = f" +{len(archives) - 1}" if len(archives) > 1 else ""
        self.reason = f"{what}: archive {archives[0]}{more}"
        super().__init__(self.reason)


class Holding:
    """Notes such archives while the others are dealt with. `what`: what could not be done."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._archives: list[int] = []

    @contextmanager
    def noted(self, archive: int) -> Iterator[None]:
        """Go on past this archive. Raise ArchiveUnavailable where the storage does not answer for any."""
        try:
            yield
        except ArchiveUnavailable:
            if not reach.answers():
                raise
            self._archives.append(archive)

    def demand_none(self) -> None:
        """Raise ArchivesHold where there was one."""
        if self._archives:
            raise ArchivesHold(self._what, self._archives)
