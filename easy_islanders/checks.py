"""Contradictions between settings, each with an id and a hint. Every process runs these before it starts."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error


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


def tracing_is_installed_and_leads_somewhere(**_: Any) -> list[CheckMessage]:
    if not settings.OTEL_ENABLED:
        return []
    if not settings.OTEL_IS_INSTALLED:
        hint = "Install it: pip install 'easy-islanders[otel]'. Or unset OTEL_ENABLED."
        return [Error("OTEL_ENABLED is on, but the extra `otel` is not installed.", hint, id="otel.E001")]
    if not settings.OTEL_ENDPOINT:
        hint = "Set OTEL_EXPORTER_OTLP_ENDPOINT to a collector's URL, such as http://127.0.0.1:4318."
        return [Error("OTEL_ENABLED is on, but traces lead nowhere.", hint, id="otel.E002")]
    return []


ALL: tuple[Callable[..., list[CheckMessage]], ...] = (
    reads_need_writes,
    zep_needs_address_and_key,
    zep_api_url_may_not_differ,
    backend_is_available,
    slow_reads_are_below_the_budget,
    holds_do_not_shrink,
    web_needs_a_secret_key,
    debugging_stays_off_the_web,
    tracing_is_installed_and_leads_somewhere,
)
