"""What can be seen of an erasure: times and counts, no personal data."""

from assistant.models import Erasure


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
        "counts": erasure.counts,
    }
