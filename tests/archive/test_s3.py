"""Archives in a bucket: the real django-storages and boto3 over HTTP, against a server that keeps objects in memory."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings

from assistant.archive import marks, restoring, storage
from assistant.archive.archiving import archive_thread
from assistant.archive.errors import ArchiveDamaged, ArchiveUnavailable
from assistant.models import Archive, Erasure, User
from assistant.personal_data import erasure
from tests.archive.conftest import Grow, rows_of
from tests.personal_data.conftest import finish

pytest.importorskip("boto3")
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


class Bucket(BaseHTTPRequestHandler):
    """As much of S3's protocol as is used: objects under /bucket/key."""

    objects: ClassVar[dict[str, bytes]] = {}
    broken: ClassVar[list[bool]] = []
    looked_for: ClassVar[list[str]] = []
    asked: ClassVar[list[str]] = []

    def do_PUT(self) -> None:
        body = self._body()
        if not self.broken:
            self.objects[self._key()] = body
        self._answer(503 if self.broken else 200)

    def do_GET(self) -> None:
        if urlsplit(self.path).path.count("/") == 1:  # no key: the bucket itself
            prefix = parse_qs(urlsplit(self.path).query).get("prefix", [""])[0]
            self.looked_for.append(prefix)
            found = sorted(key for key in self.objects if key.startswith(prefix))
            listed = "".join(f"<Contents><Key>{key}</Key></Contents>" for key in found)
            self._answer(200, f"<ListBucketResult>{listed}</ListBucketResult>".encode())
        else:
            content = self.objects.get(self._key())
            self._answer(404 if content is None else 200, content or b"")

    def do_HEAD(self) -> None:
        self.asked.append(self._key())
        self.do_GET()

    def do_DELETE(self) -> None:
        self.objects.pop(self._key(), None)
        self._answer(204)

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).split("/", 2)[2]

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
            return body
        whole = b""
        while body:
            size, _, rest = body.partition(b"\r\n")
            length = int(size.split(b";")[0], 16)
            whole, body = whole + rest[:length], rest[length + 2 :] if length else b""
        return whole

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Sat, 21 Nov 2026 12:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def bucket(settings: Settings, grow: Grow, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Bucket]]:
    """The archives of this test are in here; `grow` had them in a folder until now."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "tests-only")
    options = {
        "bucket_name": "bucket",
        "endpoint_url": f"http://127.0.0.1:{server.server_port}",
        "region_name": "eu-west-1",
        "default_acl": None,
        "file_overwrite": False,
        "addressing_style": "path",
    }
    backend = {"BACKEND": "assistant.archive.s3.Bucket", "OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {"archive": backend}
    Bucket.objects.clear()
    Bucket.broken.clear()
    Bucket.looked_for.clear()
    Bucket.asked.clear()
    yield Bucket
    server.shutdown()
    server.server_close()


def test_an_archive_goes_into_the_bucket_and_comes_back(grow: Grow, bucket: type[Bucket]) -> None:
    grow("t1", 60)
    before = rows_of("t1")

    archive_thread("t1")

    assert in_it(bucket) == [Archive.objects.get().name] == storage.names()
    assert b"question" not in bucket.objects[Archive.objects.get().name]
    restoring.restore(Archive.objects.get().pk, "ayse")
    assert rows_of("t1") == before
    assert in_it(bucket) == []


def in_it(bucket: type[Bucket]) -> list[str]:
    return [name for name in bucket.objects if not marks.is_mark(name)]


def test_an_object_that_was_lost_is_a_damaged_archive(grow: Grow, bucket: type[Bucket]) -> None:
    grow("t1", 60)
    archive_thread("t1")
    del bucket.objects[Archive.objects.get().name]

    with pytest.raises(ArchiveDamaged, match="missing"):
        restoring.restore(Archive.objects.get().pk, "ayse")


def test_while_the_bucket_refuses_nothing_is_emptied(grow: Grow, bucket: type[Bucket]) -> None:
    grow("t1", 60)
    before = rows_of("t1")
    bucket.broken.append(True)

    with pytest.raises(ArchiveUnavailable):
        archive_thread("t1")

    assert rows_of("t1") == before
    assert in_it(bucket) == []


def test_an_erasure_has_the_bucket_look_for_the_persons_names_alone(
    grow: Grow, bucket: type[Bucket], ayse: User
) -> None:
    grow("t1", 60)
    archive_thread("t1")
    orphan, others = (
        f"{ayse.memory_id}_t0_20200101T000000000000Z.json.gz",
        f"{uuid4()}_t1_20200101T000000000000Z.json.gz",
    )
    bucket.objects |= {orphan: b"a run that was killed left it", others: b"somebody else's"}

    finish(erasure.request(ayse, "op"))

    assert in_it(bucket) == [others]
    assert set(bucket.looked_for) == {f"{ayse.memory_id}_"}


def test_another_bucket_or_prefix_has_nothing_that_is_gone(
    grow: Grow, bucket: type[Bucket], ayse: User, settings: Settings
) -> None:
    grow("t1", 60)
    archive_thread("t1")
    right = settings.STORAGES
    wrong = right["archive"]["OPTIONS"] | {"location": "staging"}
    settings.STORAGES = right | {"archive": right["archive"] | {"OPTIONS": wrong}}
    asked = erasure.request(ayse, "op")

    assert finish(asked, rounds=2).failure == "remove_archive_files: unavailable"
    with pytest.raises(ArchiveUnavailable, match="not the storage"):
        storage.read(Archive.objects.get().name)

    settings.STORAGES = right
    assert finish(asked).state == Erasure.State.COMPLETED
    assert in_it(bucket) == []


def test_the_mark_is_looked_for_once_a_minute_not_for_each_file(grow: Grow, bucket: type[Bucket]) -> None:
    grow("t1", 60)
    archive_thread("t1")
    bucket.asked.clear()

    for number in range(20):
        storage.remove(f"none-{number}")

    assert len([name for name in bucket.asked if marks.is_mark(name)]) <= 1
