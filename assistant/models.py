"""What the database keeps, in one place for Django and for whoever reads rows. Each group is a module of `rows`."""

from assistant.rows.conversations import (
    MESSAGE_NAMESPACE,
    UNSENT_STATES,
    WAITING_STATES,
    ApiToken,
    Archive,
    DeadLetter,
    Message,
    MirrorState,
    Thread,
    User,
    reply_id,
    zep_message_id,
)
from assistant.rows.listings import Listing
from assistant.rows.operating import AuditEntry, AuditWord, DrillRun, ModeTransition
from assistant.rows.personal_data import Erasure, Export, Tombstone
from assistant.rows.storage import StorageMark

__all__ = [
    "MESSAGE_NAMESPACE",
    "UNSENT_STATES",
    "WAITING_STATES",
    "ApiToken",
    "Archive",
    "AuditEntry",
    "AuditWord",
    "DeadLetter",
    "DrillRun",
    "Erasure",
    "Export",
    "Listing",
    "Message",
    "MirrorState",
    "ModeTransition",
    "StorageMark",
    "Thread",
    "Tombstone",
    "User",
    "reply_id",
    "zep_message_id",
]
