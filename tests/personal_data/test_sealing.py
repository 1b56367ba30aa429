"""What Redis has on its disk of what was deleted: in its append-only file, and in the dumps it makes by default."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as redis_py

from assistant.personal_data import sealing
from ops.redis_process import RedisProcess

pytestmark = pytest.mark.django_db(transaction=True)
CANARY = b"kanarya612"  # short: a dump compresses what is long
DEFAULT_OF_REDIS = "3600 1 300 100 60 10000"


@pytest.fixture
def dumping(redis_server: RedisProcess) -> Iterator["redis_py.Redis"]:
    """A Redis as it is without a configuration, with a dump and an append-only file that hold the canary."""
    client = redis_py.Redis.from_url(redis_server.url)
    client.config_set("save", DEFAULT_OF_REDIS)
    client.set("said", CANARY)
    client.save()
    client.delete("said")
    yield client
    client.config_set("save", "")
    client.close()
    dump_of(redis_server).unlink(missing_ok=True)


def dump_of(server: RedisProcess) -> Path:
    return server.folder / "dump.rdb"


def holding(server: RedisProcess) -> list[str]:
    return [path.name for path in server.folder.rglob("*") if path.is_file() and CANARY in path.read_bytes()]


def test_neither_dump_nor_append_only_file_holds_it_afterwards(
    redis_server: RedisProcess, dumping: "redis_py.Redis"
) -> None:
    assert "dump.rdb" in holding(redis_server)

    sealing.seal()

    assert holding(redis_server) == []
    assert dump_of(redis_server).exists()


def test_without_an_append_only_file_the_dump_is_sealed_all_the_same(
    redis_server: RedisProcess, dumping: "redis_py.Redis"
) -> None:
    dumping.config_set("appendonly", "no")
    try:
        sealing.seal()
        assert "dump.rdb" not in holding(redis_server)
    finally:
        dumping.config_set("appendonly", "yes")


def test_a_dump_that_cannot_be_written_puts_the_end_off(redis_server: RedisProcess, dumping: "redis_py.Redis") -> None:
    dump_of(redis_server).unlink()
    dump_of(redis_server).mkdir()
    try:
        with pytest.raises(sealing.NotSealed):
            sealing.seal()
    finally:
        dump_of(redis_server).rmdir()
        dumping.save()  # it remembers the failure until it has made one


def test_who_keeps_no_dumps_gets_none(redis_server: RedisProcess) -> None:
    sealing.seal()

    assert not dump_of(redis_server).exists()
