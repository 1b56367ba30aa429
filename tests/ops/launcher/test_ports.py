"""A port that cannot be had is named together with the variable that moves it, all of them at once."""

import errno
import socket
from collections.abc import Iterator

import pytest

from ops.free_port import free_port
from ops.launcher.ports import DEFAULTS, Claim, WrongPort, conflicts, port_from, refusal


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_free_port_is_no_conflict() -> None:
    assert conflicts([Claim("WEB_PORT", "127.0.0.1", free_port())]) == []


def test_a_taken_port_names_the_variable_to_set(taken: int) -> None:
    assert conflicts([Claim("WEB_PORT", "127.0.0.1", taken)]) == [
        f"Port {taken} is already taken: set WEB_PORT to a free one."
    ]


def test_a_listener_on_every_address_counts() -> None:
    with socket.create_server(("0.0.0.0", 0)) as listener:  # noqa: S104  # the case under test
        port = listener.getsockname()[1]
        assert len(conflicts([Claim("WEB_PORT", "127.0.0.1", port)])) == 1


def test_all_conflicts_are_told_at_once(taken: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        sentences = conflicts(
            [
                Claim("WEB_PORT", "127.0.0.1", taken),
                Claim("REDIS_PORT", "127.0.0.1", other.getsockname()[1]),
                Claim("FLOWER_PORT", "127.0.0.1", free_port()),
            ]
        )

    assert [name for name in DEFAULTS if any(name in sentence for sentence in sentences)] == ["WEB_PORT", "REDIS_PORT"]


def test_one_port_for_two_things_is_a_conflict() -> None:
    port = free_port()

    sentences = conflicts([Claim("WEB_PORT", "127.0.0.1", port), Claim("FLOWER_PORT", "127.0.0.1", port)])

    assert len(sentences) == 2


def test_a_port_for_root_alone_says_so() -> None:
    assert "one above 1023" in refusal(Claim("WEB_PORT", "127.0.0.1", 80), errno.EACCES)


@pytest.mark.parametrize("value", ["eight", "0", "65536", "-1", "٣"])
def test_what_is_no_port_is_refused_with_its_variable(value: str) -> None:
    with pytest.raises(WrongPort, match="WEB_PORT"):
        port_from({"WEB_PORT": value}, "WEB_PORT")


def test_an_empty_variable_counts_as_unset() -> None:
    assert port_from({"WEB_PORT": " "}, "WEB_PORT") == DEFAULTS["WEB_PORT"]
