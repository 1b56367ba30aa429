"""How many messages one user may send: a sliding window in Redis. Without Redis nobody is refused."""

from assistant import rates
from assistant.events import RateLimitHit, announce
from assistant.rates import RateLimited

__all__ = ["RateLimited", "count_message"]


async def count_message(user_pk: int) -> None:
    """Count one message of the user, or raise RateLimited. One round trip; one more when over the limit."""
    try:
        await rates.count(rates.messages(), user_pk)
    except RateLimited:
        announce(RateLimitHit())
        raise
