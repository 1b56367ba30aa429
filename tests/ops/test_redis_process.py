"""The Redis of tests, drills and benchmarks: it ends when it is told to, and says why it did not start."""

import socket
from pathlib import Path

import pytest
import redis

from ops.free_port import free_port
from ops.redis_process import RedisEnded, RedisProcess
from ops.waiting import wait_until

KEYS, MICROSECONDS_EACH = 2_000, 1_000


def test_one_that_refuses_while_its_first_aof_is_written_is_asked_again_and_keeps_everything(tmp_path: Path) -> None:
    server = RedisProcess(tmp_path, free_port()).start()
    client = redis.Redis.from_url(server.url)
    client.config_set("appendonly", "no")
    client.mset({f"key{number}": number for number in range(KEYS)})
    client.config_set("rdb-key-save-delay", MICROSECONDS_EACH)
    client.config_set("appendonly", "yes")
    wait_until(lambda: client.info("persistence")["aof_rewrite_in_progress"], "the first AOF to be begun")

    server.stop()

    assert not server.is_running
    assert "can't exit" in (tmp_path / "log").read_text(encoding="utf-8")
    assert client_of(server.start()).dbsize() == KEYS
    server.kill()


def test_a_frozen_one_ends_all_the_same(tmp_path: Path) -> None:
    server = RedisProcess(tmp_path, free_port()).start()
    server.freeze()

    server.stop()

    assert not server.is_running


def test_one_whose_port_is_taken_says_so_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(RedisEnded, match=r"[Aa]ddress.*in use"):
        RedisProcess(tmp_path, listener.getsockname()[1]).start()


def client_of(server: RedisProcess) -> "redis.Redis":
    return redis.Redis.from_url(server.url)
