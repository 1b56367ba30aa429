"""`GET /api/metrics/`: who may read the metrics over HTTP."""

import ipaddress
import secrets
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from assistant.api.errors import error_response
from assistant.monitoring.exposition import CONTENT_TYPE, exposition

FORWARDED = frozenset(
    {"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-server", "x-real-ip"}
)


@require_safe
async def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text. Open to loopback; elsewhere, and behind a proxy, `METRICS_TOKEN` is needed as Bearer.

    A proxy on this machine may say nothing of whom it asks for: everybody would look like loopback.
    """
    is_open = _is_loopback(request) and not settings.TRUSTED_PROXIES
    if not (is_open or _has_metrics_token(request)):
        return error_response(401, "not_authenticated", "Send the metrics token: Authorization: Bearer <token>.")
    return HttpResponse(await sync_to_async(exposition, thread_sensitive=False)(), content_type=CONTENT_TYPE)


def _is_loopback(request: HttpRequest) -> bool:
    """Whether the peer is this machine, and asked for it. Behind a proxy on this machine every peer would be."""
    if FORWARDED & {name.casefold() for name in request.headers}:
        return False
    host = urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""
    peer = request.META.get("REMOTE_ADDR") or ""
    return _is_loopback_address(peer) and (host == "localhost" or _is_loopback_address(host))


def _is_loopback_address(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _has_metrics_token(request: HttpRequest) -> bool:
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
    expected: bytes = settings.METRICS_TOKEN.encode()
    return bool(expected) and secrets.compare_digest(sent, expected)
