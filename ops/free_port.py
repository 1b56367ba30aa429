"""Ports of loopback for servers that start later, or again: nobody else is given them meanwhile.

A port that the kernel picks and that is let go again is a race: the next who asks may get the same one, and any
outgoing connection may be given it, before the server listens there or while it is being restarted. So ports come from
below those that Linux gives away by itself (ip(7), `ip_local_port_range`: 32768 on), in blocks, and each process that
asks has a block of its own for as long as it lives. The lock is a UDP socket on the block's first number: whole
machine, no file, gone with the process.
"""

import os
import random
import socket
from collections.abc import Iterator
from dataclasses import dataclass

FIRST, AFTER_LAST, BLOCK = 24_768, 32_768, 400
HOST = "127.0.0.1"


class NoPortLeft(Exception):
    """Every block is another process's, or something listens on every port of ours."""


@dataclass(frozen=True)
class _Block:
    """Ours, as long as the lock is open; a fork needs one of its own."""

    lock: socket.socket
    ports: Iterator[int]
    pid: int


_block: _Block | None = None


def free_port() -> int:
    """A TCP port of loopback that nobody listens on now, and that no other process is given. Raise NoPortLeft."""
    global _block  # noqa: PLW0603  # one per process by design
    if _block is None or _block.pid != os.getpid():
        _block = _taken()
    for _ in range(BLOCK):
        if _is_free(port := next(_block.ports)):
            return port
    raise NoPortLeft(f"something listens on each of {BLOCK} ports")


def _taken() -> _Block:
    """The first block, from a random one on, that is no other process's."""
    blocks = list(range(FIRST, AFTER_LAST - BLOCK + 1, BLOCK))
    begin = random.SystemRandom().randrange(len(blocks))
    for first in (*blocks[begin:], *blocks[:begin]):
        lock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            lock.bind((HOST, first))
        except OSError:
            lock.close()
        else:
            return _Block(lock, _round_and_round(first), os.getpid())
    raise NoPortLeft(f"all blocks of ports from {FIRST} to {AFTER_LAST - 1} are taken")


def _round_and_round(first: int) -> Iterator[int]:
    """Those given away long ago come again: what listened there has ended by then, or is found listening."""
    while True:
        yield from range(first, first + BLOCK)


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
    return True
