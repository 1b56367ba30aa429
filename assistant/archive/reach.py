"""Whether the storage answers at all, and is the right one: then what failed is one file's own trouble.

Changes nothing.
"""

from assistant.archive import marks, storage
from assistant.archive.errors import ArchiveUnavailable

NOBODYS = "nobodys-archive"


def answers() -> bool:
    """Ask for a file that is nobody's: a storage that is there says that there is none. So does a wrong one."""
    try:
        marks.check()
        storage.exists(NOBODYS)
    except ArchiveUnavailable:
        return False
    return True
