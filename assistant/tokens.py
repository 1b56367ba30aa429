"""Bearer tokens: made once, shown once, kept as a hash; they may end at a time, and can be taken back."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from assistant.models import ApiToken, AuditEntry, User

PREFIX = "ei_"  # lets scanners of leaked secrets recognise one
LONGEST_DAYS = 3_650


def issue(user: User, name: str = "", *, expires_days: int | None = None, actor: str = "") -> str:
    """Make a token for `user` and return it; it cannot be read again.

    `expires_days`: from now; None: it does not end. `actor`: the operator, who is noted where one is given.
    """
    token = PREFIX + secrets.token_urlsafe(32)
    expires_at = None if expires_days is None else timezone.now() + timedelta(days=expires_days)
    with transaction.atomic():
        row = ApiToken.objects.create(user=user, name=name, digest=digest(token), expires_at=expires_at)
        if actor:
            details = {"token": row.pk, "user": user.pk, "expires_days": expires_days}
            AuditEntry.objects.create(actor=actor, action="token.issue", details=details)
    return token


def revoke(pks: Iterable[int], *, actor: str) -> int:
    """Take these tokens back; those that are no more stay as they are. Return how many were."""
    with transaction.atomic():
        rows = ApiToken.objects.select_for_update().filter(pk__in=list(pks), revoked_at=None).order_by("pk")
        taken = list(rows.values_list("pk", flat=True))
        ApiToken.objects.filter(pk__in=taken).update(revoked_at=timezone.now())
        if taken:
            AuditEntry.objects.create(actor=actor, action="token.revoke", details={"tokens": taken})
    return len(taken)


def valid() -> QuerySet[ApiToken]:
    """The tokens that are accepted now, as far as they decide it; their users have to be active too."""
    is_not_over = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return ApiToken.objects.filter(is_not_over, revoked_at=None)


def owner_of(token: str) -> User | None:
    """The active user whose token this is, where it is neither over nor taken back. One query."""
    row = valid().select_related("user").filter(digest=digest(token), user__is_active=True).first()
    return row.user if row else None


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
