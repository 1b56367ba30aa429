"""What failed of an erasure, in words that an operator understands and that quote nobody."""

from collections.abc import Iterator
from contextlib import contextmanager

from assistant.errors import EasyIslandersError

LONGEST = 100


class LedgerUnwritable(EasyIslandersError):
    """The ledger's line is not on the disk. Nothing may be emptied before it is."""

    def __init__(self, error: OSError) -> None:
        self.reason = f"ERASURE_LEDGER cannot be written ({type(error).__name__})"
        super().__init__(self.reason)


@contextmanager
def of_the_ledger() -> Iterator[None]:
    """Raise LedgerUnwritable where the file system refuses."""
    try:
        yield
    except OSError as error:
        raise LedgerUnwritable(error) from error


def kind_of(error: Exception) -> str:
    """Our own errors' reason; of others the class alone: what they say may quote anything."""
    reason = getattr(error, "reason", "") if isinstance(error, EasyIslandersError) else ""
    return str(reason or type(error).__name__)


def named(step: str, error: Exception) -> str:
    """Step and kind, as the erasure's row keeps them."""
    return f"{step}: {kind_of(error)}"[:LONGEST]
