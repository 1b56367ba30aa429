"""What Redis has on its disk of what was deleted: in its append-only file, and in the dumps it makes by default."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as redis_py

from assistant.personal_data import sealing
from ops.redis_process import RedisProcess
from ops.waiting import wait_until

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


@pytest.fixture
def slow(redis_server: RedisProcess) -> Iterator["redis_py.Redis"]:
    """A Redis that takes seconds to write a file, for as long as it is told to."""
    client = redis_py.Redis.from_url(redis_server.url)
    client.set("said", CANARY)
    client.config_set("rdb-key-save-delay", 2_000_000)  # microseconds
    yield client
    client.config_set("rdb-key-save-delay", 0)
    wait_until(lambda: not sealing._is_writing(client), "Redis to have written")
    client.delete("said")
    client.close()


@pytest.mark.parametrize("asked", ["an append-only file", "a dump"])
def test_who_is_overtaken_by_somebody_elses_writing_tries_again_later(
    dumping: "redis_py.Redis", slow: "redis_py.Redis", monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    """Redis has one child at a time: between looking and asking somebody else's may have begun."""
    ask = slow.bgrewriteaof if asked == "an append-only file" else slow.bgsave
    wait, waited = sealing._wait_while_it_writes, []

    def somebody_is_faster(redis: "redis_py.Redis") -> None:
        wait(redis)
        waited.append(redis)
        if len(waited) == 1:
            ask()

    dumping.config_set("appendonly", "yes" if asked == "an append-only file" else "no")
    monkeypatch.setattr(sealing, "_wait_while_it_writes", somebody_is_faster)
    try:
        with pytest.raises(sealing.NotSealed):
            sealing.seal()
    finally:
        monkeypatch.undo()
        slow.config_set("rdb-key-save-delay", 0)
        wait(slow)
        dumping.config_set("appendonly", "yes")


@pytest.mark.parametrize("denied", ["bgrewriteaof", "bgsave"])
def test_what_the_server_allows_nobody_keeps_the_rest_from_nothing(
    redis_server: RedisProcess, dumping: "redis_py.Redis", denied: str
) -> None:
    dumping.execute_command("ACL", "SETUSER", "default", f"-{denied}")  # type: ignore[no-untyped-call]
    try:
        sealing.seal()
    finally:
        dumping.execute_command("ACL", "SETUSER", "default", f"+{denied}")  # type: ignore[no-untyped-call]

    assert ("dump.rdb" in holding(redis_server)) is (denied == "bgsave")


def test_a_server_that_does_not_know_how_is_gone_past(redis_server: RedisProcess) -> None:
    with redis_py.Redis.from_url(redis_server.url) as client, sealing._where_allowed():
        client.execute_command("NOBODYS")
    with redis_py.Redis.from_url(redis_server.url) as client, sealing._where_allowed():
        client.execute_command("CONFIG", "NOBODYS")
