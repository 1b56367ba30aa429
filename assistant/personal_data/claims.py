"""Who has an erasure in hand, and until when; and whether it still is as it was when a worker took it up.

A claim is known by its end, which no two have in common: one is over before the next begins. It keeps workers from
doing the same twice; it does not decide whose result counts. A place may take longer to empty than a claim lasts, and
if then only the newest worker's result counted, none would ever come in time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from assistant.errors import EasyIslandersError
from assistant.models import Erasure

CLAIMED_FOR = timedelta(minutes=2)  # a worker that died is replaced after it


class Overtaken(EasyIslandersError):
    """Another worker took the erasure further. Stop: nothing may be changed."""


def free() -> QuerySet[Erasure]:
    """Those to go on with that nobody has in hand."""
    unclaimed = Q(claimed_until=None) | Q(claimed_until__lt=Now())
    return Erasure.objects.filter(unclaimed, due_at__lte=Now())


def claim(pk: int) -> Erasure | None:
    """Take it in hand; None where somebody else has it, or it is not due."""
    if not free().filter(pk=pk).update(claimed_until=Now() + CLAIMED_FOR, attempts=F("attempts") + 1):
        return None
    return Erasure.objects.select_related("user").get(pk=pk)


def unchanged(erasure: Erasure) -> QuerySet[Erasure]:
    """Its row, as long as nobody has taken it further, or has begun to wait anew, since it was claimed."""
    return Erasure.objects.filter(pk=erasure.pk, state=erasure.state, settled_at=erasure.settled_at)


def mine(erasure: Erasure) -> QuerySet[Erasure]:
    """The same, as long as nobody else has claimed it either."""
    return unchanged(erasure).filter(claimed_until=erasure.claimed_until)


@contextmanager
def held(erasure: Erasure) -> Iterator[None]:
    """A transaction with the erasure's row locked, and in our hands for two minutes more, whoever had it meanwhile.

    For what takes long, each time it got somewhere. Raise Overtaken where somebody took it further.
    """
    with transaction.atomic():
        if not unchanged(erasure).update(claimed_until=Now() + CLAIMED_FOR):
            raise Overtaken
        until = Erasure.objects.values_list("claimed_until", flat=True).get(pk=erasure.pk)
        yield
    erasure.claimed_until = until


def keep(erasure: Erasure) -> None:
    """Have it in hand for two minutes more. Raise Overtaken where somebody took it further."""
    with held(erasure):
        pass
