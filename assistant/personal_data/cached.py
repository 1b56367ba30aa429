"""What is cached of a person's conversations, dropped at once. Knows threads and the cache, not why."""

from contextlib import suppress

from assistant import loops
from assistant.memory import context_cache
from assistant.models import User
from assistant.redis_link import RedisDown


def forget(user: User) -> None:
    """Drop the contexts of all the user's threads, old copies too; a read under way puts nothing back.

    After the commit that says nobody may use them: that alone is what keeps turns from them. So without Redis nothing
    is raised; what is cached ends by itself within minutes.
    """
    with suppress(RedisDown):
        loops.run(context_cache.forget_all(list(user.threads.values_list("pk", flat=True))))
