"""A setting can be a file, as platforms hand out secrets; what is wrong with it is said without its content."""

import os
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from easy_islanders import env


@pytest.fixture
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "secret"
    path.write_text("s3cret\n", encoding="utf-8")
    monkeypatch.delenv("ZEP_API_KEY", raising=False)
    monkeypatch.setenv("ZEP_API_KEY_FILE", str(path))
    return path


@pytest.mark.usefixtures("secret")
def test_a_file_gives_the_value_without_its_line_end() -> None:
    assert env.printable("ZEP_API_KEY") == "s3cret"


def test_a_number_can_be_in_a_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "port").write_text("8123", encoding="utf-8")
    monkeypatch.setenv("SOME_PORT_FILE", str(tmp_path / "port"))

    assert env.port("SOME_PORT", 1) == 8123


@pytest.mark.usefixtures("secret")
def test_a_value_given_twice_is_refused_by_both_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEP_API_KEY", "another")

    with pytest.raises(ImproperlyConfigured, match="ZEP_API_KEY and ZEP_API_KEY_FILE") as raised:
        env.text("ZEP_API_KEY")
    assert "another" not in str(raised.value)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(("content", "said"), [(None, "cannot be read"), (b" \n", "empty"), (b"\xff\xfe", "UTF-8")])
def test_a_file_without_a_value_is_refused(secret: Path, content: bytes | None, said: str) -> None:
    if content is None:
        secret.unlink()
    else:
        secret.write_bytes(content)

    with pytest.raises(ImproperlyConfigured, match=f"ZEP_API_KEY_FILE .*{said}"):
        env.text("ZEP_API_KEY")


def test_the_local_environment_does_not_double_what_a_file_gives(
    secret: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "env").write_text("ZEP_API_KEY=of-the-local-system\n", encoding="utf-8")
    monkeypatch.setenv("LOCAL_DIR", str(tmp_path))

    env.load_local_env()

    assert env.text("ZEP_API_KEY") == "s3cret"


@pytest.mark.usefixtures("secret")
def test_a_secret_from_a_file_is_in_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    env.text("ZEP_API_KEY")

    assert "s3cret" not in str(dict(os.environ))
