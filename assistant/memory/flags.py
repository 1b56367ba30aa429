"""Which memory mode is in force. Knows the settings; knows nothing of Zep's calls."""

from enum import StrEnum

from django.conf import settings


class MemoryMode(StrEnum):
    """`off`: neither read nor write. `write_only`: mirror, never read. `read_write`: both."""

    OFF = "off"
    WRITE_ONLY = "write_only"
    READ_WRITE = "read_write"


EffectiveMode = MemoryMode


def base_mode() -> MemoryMode:
    """The mode that the settings ask for. Reads without writes are refused when the settings are checked."""
    if not settings.FLAG_ZEP_WRITE:
        return MemoryMode.OFF
    return MemoryMode.READ_WRITE if settings.FLAG_ZEP_READ else MemoryMode.WRITE_ONLY


def current_mode() -> MemoryMode:
    """The same as `base_mode`."""
    return base_mode()


def effective_mode() -> MemoryMode:
    """The mode in force now."""
    return base_mode()
