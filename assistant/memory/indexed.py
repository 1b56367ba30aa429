"""Conditions on messages, spelled as the partial indexes spell them.

SQLite takes a partial index only for the very condition of its definition, constants included: Django's own filters
send their values as parameters, and then a million mirrored messages are read to find the few that wait (300 ms
instead of 0.4).
PostgreSQL understands either. A test compares the words with those of the indexes.
"""

from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from assistant.models import MirrorState


def _among(*states: MirrorState) -> RawSQL:
    words = ", ".join(f"'{state.value}'" for state in states)
    return RawSQL(f"mirror_state IN ({words})", (), output_field=BooleanField())  # noqa: S611  # our own constants


WAITING = _among(MirrorState.PENDING, MirrorState.IN_FLIGHT)
UNSENT = _among(MirrorState.PENDING, MirrorState.IN_FLIGHT, MirrorState.HELD)
