"""Settings of archives that contradict each other, or would leave texts in the clear, are refused."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from easy_islanders import checks, env

KEY = "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk="


def ids(*found: object) -> list[str | None]:
    return [getattr(message, "id", None) for message in found]


@pytest.mark.parametrize(
    ("role", "encryption", "keys", "refused"),
    [
        ("worker", True, [], True),
        ("worker", True, [KEY], False),
        ("worker", False, [], False),
        ("web", True, [], False),
    ],
)
def test_a_worker_without_a_key_does_not_start(
    settings: Settings, role: str, encryption: bool, keys: list[str], refused: bool
) -> None:
    settings.PROCESS_ROLE, settings.ARCHIVE_ENCRYPTION, settings.ARCHIVE_ENCRYPTION_KEY = role, encryption, keys

    assert ids(*checks.archives_are_encrypted()) == ["archive.E001"] * refused


def test_encryption_is_on_unless_it_is_switched_off(settings: Settings) -> None:
    assert settings.ARCHIVE_ENCRYPTION is True


@pytest.mark.parametrize(("limit", "refused"), [(10, True), (11, False)])
@pytest.mark.parametrize("name", ["ARCHIVE_THRESHOLD", "ARCHIVE_MAX_MESSAGES_IN_MEMORY"])
def test_limits_are_above_what_stays(settings: Settings, name: str, limit: int, refused: bool) -> None:
    setattr(settings, name, limit)

    assert ids(*checks.archiving_leaves_something_to_do()) == ["archive.E002"] * refused


def test_s3_needs_a_bucket(settings: Settings) -> None:
    settings.ARCHIVE_STORAGE, settings.ARCHIVE_S3_BUCKET = "s3", ""

    assert ids(*checks.s3_needs_a_bucket()) == ["archive.E003"]


@pytest.mark.parametrize("value", ["short", KEY + "A", f"{KEY},x", "ğ" * 44, KEY[:-4]])
def test_a_key_that_is_none_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ARCHIVE_ENCRYPTION_KEY", value)

    with pytest.raises(ImproperlyConfigured, match=r"key [12] is not 32 bytes") as refused:
        env.fernet_keys("ARCHIVE_ENCRYPTION_KEY")

    assert value not in str(refused.value)


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "an hour"])
def test_hours_are_a_number_above_0(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ARCHIVE_HOURS", value)

    with pytest.raises(ImproperlyConfigured, match="ARCHIVE_HOURS must be"):
        env.decimal("ARCHIVE_HOURS", 1.0, above=0.0, at_most=876_000)
