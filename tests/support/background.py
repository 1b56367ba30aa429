"""Waiting for what the product does after its answer."""

import asyncio

from assistant import loops


async def in_the_background() -> None:
    """Return once nothing that was left running is under way on this loop."""
    while under_way := [task for task in loops.unfinished() if task is not asyncio.current_task()]:
        await asyncio.wait(under_way)
