"""Contradictions between settings, each with an id and a hint. Every process runs these before it starts."""

import ipaddress
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004  # Django's name


def reads_need_writes(**_: Any) -> list[CheckMessage]:
    if settings.FLAG_ZEP_READ and not settings.FLAG_ZEP_WRITE:
        hint = "Set FLAG_ZEP_WRITE=true, or FLAG_ZEP_READ=false."
        return [Error("FLAG_ZEP_READ needs FLAG_ZEP_WRITE: nothing would be there to read.", hint, id="memory.E001")]
    return []


def zep_needs_address_and_key(**_: Any) -> list[CheckMessage]:
    if not settings.FLAG_ZEP_WRITE:
        return []
    missing = [name for name in ("ZEP_BASE_URL", "ZEP_API_KEY") if not getattr(settings, name)]
    hint = "Set it, or switch FLAG_ZEP_READ and FLAG_ZEP_WRITE off."
    return [Error(f"{name} is not set, but FLAG_ZEP_WRITE is on.", hint, id="memory.E002") for name in missing]


def zep_api_url_may_not_differ(**_: Any) -> list[CheckMessage]:
    if settings.ZEP_API_URL and settings.ZEP_API_URL != settings.ZEP_BASE_URL:
        return [
            Error(
                "ZEP_API_URL is set and differs from ZEP_BASE_URL: zep-python would silently obey it.",
                "Unset ZEP_API_URL.",
                id="memory.E003",
            )
        ]
    return []


def backend_is_available(**_: Any) -> list[CheckMessage]:
    if settings.ZEP_BACKEND != "community":
        hint = "Set ZEP_BACKEND=community."
        return [Error("ZEP_BACKEND=cloud is not available in this version.", hint, id="memory.E004")]
    return []


def slow_reads_are_below_the_budget(**_: Any) -> list[CheckMessage]:
    if settings.MEMORY_DOWNGRADE_LATENCY_MS >= settings.ZEP_READ_BUDGET_MS:
        hint = "Set MEMORY_DOWNGRADE_LATENCY_MS below ZEP_READ_BUDGET_MS, or to 0."
        return [
            Error(
                "MEMORY_DOWNGRADE_LATENCY_MS is not below ZEP_READ_BUDGET_MS: no successful read is that slow.",
                hint,
                id="memory.E005",
            )
        ]
    return []


def holds_do_not_shrink(**_: Any) -> list[CheckMessage]:
    if settings.MEMORY_DOWNGRADE_MAX_HOLD_SECONDS < settings.MEMORY_DOWNGRADE_HOLD_SECONDS:
        hint = "Set MEMORY_DOWNGRADE_MAX_HOLD_SECONDS to MEMORY_DOWNGRADE_HOLD_SECONDS or more."
        return [Error("MEMORY_DOWNGRADE_MAX_HOLD_SECONDS is below the first hold.", hint, id="memory.E006")]
    return []


def share_of_readers_is_one(**_: Any) -> list[CheckMessage]:
    share = settings.MEMORY_READ_PERCENT
    if not 0 <= share <= 100:  # noqa: PLR2004  # a per cent
        hint = "Set MEMORY_READ_PERCENT from 0 to 100."
        return [Error(f"MEMORY_READ_PERCENT is {share}.", hint, id="memory.E007")]
    if share == 0 and settings.FLAG_ZEP_READ:
        hint = "Set FLAG_ZEP_READ=false, or MEMORY_READ_PERCENT to 1 or more."
        return [Warning("FLAG_ZEP_READ is on, but MEMORY_READ_PERCENT is 0: nobody reads.", hint, id="memory.W001")]
    return []


def web_needs_a_secret_key(**_: Any) -> list[CheckMessage]:
    if settings.PROCESS_ROLE == "web" and not settings.SECRET_KEY_IS_SET:
        hint = "Set SECRET_KEY to 50 random characters, the same for every web process."
        return [Error("SECRET_KEY is not set: log-ins would end with each process.", hint, id="web.E001")]
    return []


def debugging_stays_off_the_web(**_: Any) -> list[CheckMessage]:
    if settings.DEBUG and settings.PROCESS_ROLE == "web":
        hint = "Unset DEBUG."
        return [Error("DEBUG is on in a web process: its error pages show what users wrote.", hint, id="web.E002")]
    return []


def hosts_are_named(**_: Any) -> list[CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS:
        hint = "List the host names under which the site is reached."
        return [Error("ALLOWED_HOSTS holds *: anybody's host name would be believed.", hint, id="web.E003")]
    return []


def https_needs_a_proxy(**_: Any) -> list[CheckMessage]:
    if settings.PROCESS_ROLE == "web" and settings.HTTPS_ONLY and not settings.TRUSTED_PROXIES:
        text = "HTTPS_ONLY is on, but TRUSTED_PROXIES names nobody who ends TLS: every request would be redirected."
        hint = "Set TRUSTED_PROXIES to the proxy's address as this process sees it."
        return [Error(text, hint, id="web.E004")]
    return []


def the_open_web_is_https(**_: Any) -> list[CheckMessage]:
    if settings.PROCESS_ROLE == "web" and not settings.HTTPS_ONLY and not _is_loopback(settings.WEB_HOST):
        text = "WEB_HOST is reachable from elsewhere and HTTPS_ONLY is off: tokens and log-ins travel in the clear."
        hint = "Put a proxy that ends TLS in front; set HTTPS_ONLY=true and TRUSTED_PROXIES."
        return [Warning(text, hint, id="web.W001")]
    return []


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def archives_are_encrypted(**_: Any) -> list[CheckMessage]:
    """The worker archives; elsewhere a missing key refuses only the command that needs it."""
    if settings.PROCESS_ROLE == "worker" and settings.ARCHIVE_ENCRYPTION and not settings.ARCHIVE_ENCRYPTION_KEY:
        hint = "Set ARCHIVE_ENCRYPTION_KEY to 32 random bytes in URL-safe base64, or ARCHIVE_ENCRYPTION=off."
        return [
            Error("ARCHIVE_ENCRYPTION_KEY is not set: archives would hold what users wrote.", hint, id="archive.E001")
        ]
    return []


def archiving_leaves_something_to_do(**_: Any) -> list[CheckMessage]:
    keep = settings.ARCHIVE_RECENT_CONTEXT_WINDOW
    hint = "Set it above ARCHIVE_RECENT_CONTEXT_WINDOW."
    return [
        Error(
            f"{name} is not above the {keep} messages that stay: threads would be due for ever.",
            hint,
            id="archive.E002",
        )
        for name in ("ARCHIVE_THRESHOLD", "ARCHIVE_MAX_MESSAGES_IN_MEMORY")
        if getattr(settings, name) <= keep
    ]


def s3_needs_a_bucket(**_: Any) -> list[CheckMessage]:
    if settings.ARCHIVE_STORAGE != "s3":
        return []
    errors: list[CheckMessage] = []
    if not settings.ARCHIVE_S3_BUCKET:
        errors.append(Error("ARCHIVE_STORAGE=s3, but no bucket is named.", "Set ARCHIVE_S3_BUCKET.", id="archive.E003"))
    if find_spec("storages") is None or find_spec("boto3") is None:
        hint = "Install the extra: pip install 'easy-islanders[s3]'."
        errors.append(Error("ARCHIVE_STORAGE=s3 needs django-storages and boto3.", hint, id="archive.E004"))
    return errors


ALL: tuple[Callable[..., list[CheckMessage]], ...] = (
    reads_need_writes,
    zep_needs_address_and_key,
    zep_api_url_may_not_differ,
    backend_is_available,
    slow_reads_are_below_the_budget,
    holds_do_not_shrink,
    share_of_readers_is_one,
    web_needs_a_secret_key,
    debugging_stays_off_the_web,
    hosts_are_named,
    https_needs_a_proxy,
    the_open_web_is_https,
    archives_are_encrypted,
    archiving_leaves_something_to_do,
    s3_needs_a_bucket,
)
