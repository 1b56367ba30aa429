"""Names that completed erasures left: an older version's worker ends what a newer web process asked, and knows none.

So it goes after a rollback, and where workers are upgraded after the web. Knows which erasures, and what else can be
done once the user's row is gone; what names are found in otherwise is `places`'.
"""

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet

from assistant.models import Erasure, User
from assistant.personal_data import places, sealing
from assistant.personal_data.progress import run_steps

NEWEST = 10_000  # erasures: no index knows these, so no more rows are read
AT_ONCE = 20


def remove() -> int:
    """Remove what names these people; of how many erasures. What breaks is announced, and tried again the next time."""
    return sum(_removed(erasure) for erasure in found()[:AT_ONCE])


def found() -> QuerySet[Erasure]:
    """Those that are complete and still hold names, oldest first. One query over the newest ten thousand by number."""
    newest = Erasure.objects.order_by("-pk").values("pk")[:NEWEST]
    named = Erasure.objects.filter(state=Erasure.State.COMPLETED, names__isnull=False)
    return named.filter(pk__in=newest).order_by("pk")


def _removed(erasure: Erasure) -> bool:
    """One step after the other. Without names, but not yet null, it is still found until the files are sealed."""
    steps = (places.remove_traces, _remove_admin_log, _forget_names, _seal_files, _leave_alone)
    return not any(run_steps((step,), erasure) for step in steps)


def _remove_admin_log(erasure: Erasure) -> None:
    """Lines about the user, by what they quote: nothing tells whose number it was. A namesake's are younger."""
    about_users = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(User))
    about_users.filter(object_repr__in=erasure.names or (), action_time__lte=erasure.requested_at).delete()


def _forget_names(erasure: Erasure) -> None:
    _still_complete(erasure).update(names=[])


def _seal_files(_: Erasure) -> None:
    sealing.seal()


def _leave_alone(erasure: Erasure) -> None:
    _still_complete(erasure).update(names=None)


def _still_complete(erasure: Erasure) -> QuerySet[Erasure]:
    """After a restore it may have been begun again: then its names are needed."""
    return Erasure.objects.filter(pk=erasure.pk, state=Erasure.State.COMPLETED)
