"""Waiting for conditions, under the name that tests know it by."""

from ops.waiting import wait_until

__all__ = ["wait_until"]
