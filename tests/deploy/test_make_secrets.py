"""Secrets are made once, fit together, and are nobody's who cannot enter their directory."""

import stat
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ops.deploy import make_secrets
from ops.deploy.make_secrets import FROM_OTHERS, MADE, main


def read(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text().strip() for path in folder.iterdir()}


def test_each_is_long_and_unlike_the_others(tmp_path: Path) -> None:
    make_secrets.make(tmp_path)

    made = [value for name, value in read(tmp_path).items() if name in MADE]
    assert len(set(made)) == len(made)
    assert all(len(value) >= 44 for value in made)


def test_urls_hold_the_passwords_of_what_they_lead_to(tmp_path: Path) -> None:
    make_secrets.make(tmp_path)

    made = read(tmp_path)
    assert urlsplit(made["database_url"]).password == made["postgres_password"]
    assert f"requirepass {urlsplit(made['redis_url']).password}" == made["redis.conf"]
    assert f"requirepass {urlsplit(made['cache_redis_url']).password}" == made["cache.conf"]


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    make_secrets.make(tmp_path)
    before = read(tmp_path)
    (tmp_path / "zep_api_key").write_text("from Zep")

    assert make_secrets.make(tmp_path) == [name for name in FROM_OTHERS if name != "zep_api_key"]
    assert read(tmp_path) == before | {"zep_api_key": "from Zep"}


def test_only_the_owner_can_enter_the_directory(tmp_path: Path) -> None:
    make_secrets.make(tmp_path / "secrets")

    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "secrets").iterdir()} == {0o644}


def test_it_says_what_is_left_to_do_and_no_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 0

    assert [line.rsplit("/", 1)[1] for line in capsys.readouterr().out.splitlines()] == list(FROM_OTHERS)


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["--help"], 0), (["a", "b"], 2)])
def test_it_says_how_it_is_used(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == code
    assert "make_secrets.py DIRECTORY" in capsys.readouterr().err
