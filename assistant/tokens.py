"""Bearer tokens: made once, shown once, kept as a hash."""

import hashlib
import secrets

from assistant.models import ApiToken, User

PREFIX = "ei_"  # lets scanners of leaked secrets recognise one


def issue(user: User, name: str = "") -> str:
    """Make a token for `user` and return it; it cannot be read again."""
    token = PREFIX + secrets.token_urlsafe(32)
    ApiToken.objects.create(user=user, name=name, digest=digest(token))
    return token


def owner_of(token: str) -> User | None:
    """The active user whose token this is. One query."""
    row = ApiToken.objects.select_related("user").filter(digest=digest(token), user__is_active=True).first()
    return row.user if row else None


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
