"""What can be seen of an erasure: times and counts, no personal data, and nothing that only we understand.

What an erasure notes for its own use (`told`, `retelling`) stays in its row and in the ledger.
"""

from assistant.models import Erasure

COUNTS = (
    "threads",
    "messages",
    "archives",
    "exports",
    "tokens",
    "sessions",
    "log_in_attempts",
    "admin_log",
    "operators_names",
    "audit_entries",
    "zep_sessions",
    "zep_users",
    "archives_brought_back",
    "archives_left_out",
)


def find(receipt: str) -> Erasure | None:
    """The erasure with this receipt. One query."""
    return Erasure.objects.filter(receipt=receipt).first()


def as_receipt(erasure: Erasure) -> dict[str, object]:
    """The receipt as JSON-able values."""
    return {
        "receipt": erasure.receipt,
        "scope": erasure.scope,
        "state": erasure.state,
        "requested_at": erasure.requested_at,
        "completed_at": erasure.completed_at if erasure.state == Erasure.State.COMPLETED else None,
        "counts": {name: erasure.counts[name] for name in COUNTS if name in erasure.counts},
    }
