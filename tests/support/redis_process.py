"""The real Redis-protocol server, under the name that tests know it by."""

from ops.redis_process import RedisProcess

__all__ = ["RedisProcess"]
