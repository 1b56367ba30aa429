"""`GET /api/metrics/`: who may read the metrics over HTTP."""

import ipaddress
import secrets

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from assistant.api.errors import error_response
from assistant.monitoring.exposition import CONTENT_TYPE, exposition


async def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text. Open to loopback; elsewhere `METRICS_TOKEN` is needed as Bearer."""
    if not (_is_loopback(request) or _has_metrics_token(request)):
        return error_response(401, "not_authenticated", "Send the metrics token: Authorization: Bearer <token>.")
    return HttpResponse(await sync_to_async(exposition, thread_sensitive=False)(), content_type=CONTENT_TYPE)


def _is_loopback(request: HttpRequest) -> bool:
    """Whether the peer is this machine. Behind a proxy every peer would be: a forwarded request is not local."""
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _has_metrics_token(request: HttpRequest) -> bool:
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
    expected: bytes = settings.METRICS_TOKEN.encode()
    return bool(expected) and secrets.compare_digest(sent, expected)
