"""Sealed files of any size: they come back as they were, and nothing that was done to one goes unnoticed."""

import io
import tracemalloc
from collections.abc import Callable, Iterable

import pytest
from cryptography.fernet import Fernet
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from assistant.archive import sealed_stream
from assistant.archive.errors import ArchiveDamaged, ArchiveKeyMissing
from assistant.archive.sealed_stream import HEAD, PIECE, WHOLE_TOKEN, Opener, Sealer, throwaway_key
from assistant.archive.sealing import Key, writing_key

NAME = "an export"
KEY = throwaway_key()
ENDS = (0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 5)


def sealed(contents: Iterable[bytes], key: Key | None = KEY, name: str = NAME) -> bytes:
    out = io.BytesIO()
    sealer = Sealer(out, key or configured(), name)
    for content in contents:
        sealer.write(content)
    sealer.finish()
    return out.getvalue()


def configured() -> Key:
    key = writing_key()
    assert key is not None
    return key


def opened(file: bytes, key: Key | None = KEY, name: str = NAME) -> bytes:
    return b"".join(iter(Opener(io.BytesIO(file), name, key).read, b""))


def refused_at_once(file: bytes, name: str = NAME) -> None:
    with pytest.raises(ArchiveDamaged):
        Opener(io.BytesIO(file), name, KEY)


def four_pieces() -> tuple[bytes, list[bytes]]:
    """Head and tokens of a file of three whole pieces and a bit."""
    file = sealed([bytes([number]) * PIECE for number in range(3)] + [b"end"])
    return file[: HEAD.size], [file[at : at + WHOLE_TOKEN] for at in range(HEAD.size, len(file), WHOLE_TOKEN)]


def damaged(token: bytes) -> bytes:
    return token[:50] + (b"B" if token[50:51] == b"A" else b"A") + token[51:]


@pytest.mark.parametrize("size", ENDS)
def test_it_comes_back_as_it_was_and_its_size_is_known_at_once(size: int) -> None:
    content = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    file = sealed([content])

    assert Opener(io.BytesIO(file), NAME, KEY).size == size
    assert opened(file) == content


@settings(max_examples=40)
@given(st.lists(st.integers(0, 2 * PIECE), max_size=6))
def test_it_does_not_matter_in_which_portions_it_was_written(sizes: list[int]) -> None:
    contents = [bytes([number]) * size for number, size in enumerate(sizes)]

    assert opened(sealed(contents)) == b"".join(contents)


@pytest.mark.parametrize("size", ENDS)
def test_it_is_refused_wherever_it_is_cut(size: int) -> None:
    file = sealed([b"x" * size])
    borders = range(HEAD.size, len(file), WHOLE_TOKEN)
    for at in {0, 1, HEAD.size - 1, HEAD.size + 1, len(file) // 2, len(file) - 1, *borders}:
        refused_at_once(file[:at])


def test_a_writer_that_was_killed_leaves_nothing_that_is_opened() -> None:
    out = io.BytesIO()
    sealer = Sealer(out, KEY, NAME)
    for _ in range(3):
        sealer.write(b"x" * PIECE)
    sealer.close()

    refused_at_once(out.getvalue())


@pytest.mark.parametrize("more", [b"\0", b"x", b"====", b"x" * WHOLE_TOKEN])
def test_what_something_follows_is_refused(more: bytes) -> None:
    refused_at_once(sealed([b"some words"]) + more)
    refused_at_once(sealed([b"x" * PIECE]) + more)


CHANGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "two change places": lambda tokens: [tokens[0], tokens[2], tokens[1], tokens[3]],
    "one is there twice": lambda tokens: [tokens[0], tokens[1], tokens[1], tokens[3]],
    "one is missing": lambda tokens: [tokens[0], tokens[2], tokens[3]],
    "the last is missing": lambda tokens: tokens[:3],
    "the first is missing": lambda tokens: tokens[1:],
    "all come twice": lambda tokens: tokens[:3] + tokens,
    "a bit is another": lambda tokens: [tokens[0], damaged(tokens[1]), *tokens[2:]],
    "one is another file's": lambda tokens: [tokens[0], four_pieces()[1][1], *tokens[2:]],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_pieces_that_are_not_the_same_in_the_same_order_are_refused(
    change: Callable[[list[bytes]], list[bytes]],
) -> None:
    head, tokens = four_pieces()

    with pytest.raises(ArchiveDamaged):
        opened(head + b"".join(change(tokens)))


@pytest.mark.parametrize("number", [0, 3])
def test_damage_at_an_end_shows_before_anything_is_given_out(number: int) -> None:
    head, tokens = four_pieces()
    tokens[number] = damaged(tokens[number])

    refused_at_once(head + b"".join(tokens))


def test_damage_in_the_middle_shows_before_the_piece_is_given_out() -> None:
    head, tokens = four_pieces()
    reader = Opener(io.BytesIO(head + b"".join(CHANGES["two change places"](tokens))), NAME, KEY)

    assert reader.read() == b"\0" * PIECE
    with pytest.raises(ArchiveDamaged, match="piece 1"):
        reader.read()


def test_the_file_of_somebody_else_is_refused_and_so_is_one_with_another_head() -> None:
    file = sealed([b"mine"])

    refused_at_once(file, name="another export")
    for at in (0, len(sealed_stream.MAGIC), HEAD.size - 1):
        refused_at_once(file[:at] + bytes([file[at] ^ 1]) + file[at + 1 :])


def test_any_of_the_keys_opens_and_the_first_one_seals(settings: Settings) -> None:
    first, second = (Fernet.generate_key().decode() for _ in range(2))
    settings.ARCHIVE_ENCRYPTION_KEY = [first]
    file = sealed([b"words"], key=None)
    settings.ARCHIVE_ENCRYPTION_KEY = [second, first]

    assert opened(file, key=None) == b"words"
    newer = sealed([b"words"], key=None)
    settings.ARCHIVE_ENCRYPTION_KEY = [second]
    assert opened(newer, key=None) == b"words"
    with pytest.raises(ArchiveKeyMissing):
        opened(file, key=None)


def test_a_key_is_not_shown() -> None:
    assert "Fernet" not in repr(KEY)


def test_memory_stays_the_same_however_much_it_is(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("sealed") / "file"
    megabyte = b"x" * 1024 * 1024
    tracemalloc.start()
    with path.open("w+b") as file:
        sealer = Sealer(file, KEY, NAME)
        for _ in range(50):
            sealer.write(megabyte)
        assert sealer.finish() == 50 * len(megabyte)
        file.flush()
        reader = Opener(file, NAME, KEY)
        assert sum(map(len, iter(reader.read, b""))) == 50 * len(megabyte)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 6 * len(megabyte), f"{peak / 1e6:.1f} MB for 50 MB"
