"""supervisord reads back what was meant, whatever is in a command."""

import configparser
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.launcher.supervisor_config import FAST_DEATHS, Program, argument, render


def as_supervisord_reads(text: str, section: str, option: str) -> str:
    """Its parser's settings (inline comments with ; and #) and its percent expansion."""
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    parser.read_string(text)
    return parser.get(section, option) % {}


def words_of(command: str) -> list[str]:
    text = render([Program("toy", command, order=1, stop_seconds=7)], uid=1000)
    return shlex.split(as_supervisord_reads(text, "program:toy", "command"))


@pytest.mark.parametrize(
    "command",
    [
        "exec python -m thing",
        "echo a ; echo b",
        "echo 100% # not a comment",
        "echo \"double\" 'single' \\ back",
        'exec x --port="${FLOWER_PORT:-5555}"',
        "worker@%h %(ENV_HOME)s",
        "tab\t;semicolon",
    ],
)
def test_a_command_reaches_the_shell_unchanged(command: str) -> None:
    assert words_of(command) == ["/bin/sh", "-c", command]


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1).filter(str.strip))
def test_any_printable_command_reaches_the_shell_unchanged(command: str) -> None:
    assert words_of(command) == ["/bin/sh", "-c", command]


def test_a_command_of_two_lines_is_refused() -> None:
    with pytest.raises(ValueError, match="one line"):
        argument("a\nb")


def test_only_the_leader_is_told_to_stop_and_its_group_dies_with_it() -> None:
    text = render([Program("toy", "x", order=1, stop_seconds=7)], uid=1000)

    options = {
        name: as_supervisord_reads(text, "program:toy", name) for name in ("stopasgroup", "killasgroup", "stopwaitsecs")
    }

    assert options == {"stopasgroup": "false", "killasgroup": "true", "stopwaitsecs": "7"}


def test_a_process_is_given_up_at_its_fifth_fast_death() -> None:
    text = render([Program("toy", "x", order=1, stop_seconds=7)], uid=1000)

    assert as_supervisord_reads(text, "program:toy", "startsecs") == "10"
    assert int(as_supervisord_reads(text, "program:toy", "startretries")) + 1 == FAST_DEATHS == 5


@pytest.mark.parametrize(("uid", "said"), [(0, True), (1000, False)])
def test_only_root_is_told_to_stay_root(uid: int, said: bool) -> None:
    assert ("\nuser=0\n" in render([], uid=uid)) is said
