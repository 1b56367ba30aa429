"""`$LOCAL_DIR/env` and `$LOCAL_DIR/secrets`: readable back, and by their owner only."""

import stat
from pathlib import Path

import pytest

from easy_islanders import env
from ops.launcher import env_file, secrets_file


def test_what_is_written_is_what_the_settings_read(tmp_path: Path) -> None:
    pairs = {"REDIS_URL": "redis://:p=w#d@host:1/0", "EMPTY": "", "QUOTED": "a 'b' \"c\" $d"}

    env_file.write(tmp_path / "env", pairs)

    assert env.parse_lines((tmp_path / "env").read_text(encoding="utf-8")) == pairs
    assert env_file.read(tmp_path / "env") == pairs


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    env_file.write(tmp_path / "env", {"A": "b"})

    assert stat.S_IMODE((tmp_path / "env").stat().st_mode) == 0o600


@pytest.mark.parametrize("value", ["a\nb", "a\rb", " a", "a "])
def test_a_value_that_lines_cannot_carry_is_refused_and_leaves_the_file_alone(tmp_path: Path, value: str) -> None:
    env_file.write(tmp_path / "env", {"A": "b"})

    with pytest.raises(env_file.WrongValue, match="A holds"):
        env_file.write(tmp_path / "env", {"A": value})

    assert env_file.read(tmp_path / "env") == {"A": "b"}
    assert [path.name for path in tmp_path.iterdir()] == ["env"]


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    first = secrets_file.load(tmp_path)

    assert secrets_file.load(tmp_path) == first
    assert set(first) == set(secrets_file.GENERATED)
    assert len(set(first.values())) == len(first)


def test_a_later_secret_joins_the_others(tmp_path: Path) -> None:
    first = secrets_file.load(tmp_path)

    secrets_file.keep(tmp_path, secrets_file.DEMO_TOKEN, "token")

    assert secrets_file.load(tmp_path) == first | {secrets_file.DEMO_TOKEN: "token"}
