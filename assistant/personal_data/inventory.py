"""How much is held about a user, by place: what an erasure would remove."""

from assistant.models import Archive, User


def of(user: User) -> dict[str, int]:
    """Counts by place. One query each."""
    return {
        "threads": user.threads.count(),
        "messages": user.messages.count(),
        "archives": Archive.objects.filter(thread__user=user).count(),
        "zep_sessions": user.threads.filter(known_to_zep_at__isnull=False).count(),
        "tokens": user.api_tokens.count(),
        "exports": user.exports.count(),
    }
