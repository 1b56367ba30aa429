"""Whether Zep was ever told, or may have been told, anything of a person: where it never was it has nothing to erase.

Counted when the erasure is asked for, because the messages that say so are among the first to go.
"""

from django.db.models import Exists, OuterRef, Q

from assistant.archive.retention import EXPIRED
from assistant.models import Erasure, Message, MirrorState, User
from assistant.personal_data import at_zep

AT_ZEP = (MirrorState.MIRRORED, MirrorState.IN_FLIGHT)
THREADS_TOLD = "threads_told_to_zep"


def threads_told(user: User) -> int:
    """Of how many of the user's threads Zep was told, or somebody tried to tell it. One query.

    A failed first try counts: Zep may have made the user and the session all the same.
    """
    tried = Q(mirror_attempts__gt=0) | Q(mirror_state__in=AT_ZEP) | ~Q(mirror_error__in=("", EXPIRED))
    messages = Message.objects.filter(tried, thread=OuterRef("pk"))
    return user.threads.filter(Q(known_to_zep_at__isnull=False) | Exists(messages)).count()


def has_to_be_asked(erasure: Erasure) -> bool:
    """Whether Zep has a part in the erasure: it is there, or it knows something. Not counted: it may know something."""
    return at_zep.is_configured() or bool(erasure.counts.get(THREADS_TOLD, True))
