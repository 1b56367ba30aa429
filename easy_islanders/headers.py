"""The security headers of every answer, whoever gave it: Django, static files, the gate. Knows nothing of contents.

Scripts come from this site's own files alone, so pages hold none of their own; styles may be inline, since Swagger UI
and the admin have such. A header that an answer has already is left as it is.
"""

from django.conf import settings

from easy_islanders.gate import Application, AsgiMessage, Receive, Scope, Send

POLICY = {
    "default-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
HEADERS = {
    "content-security-policy": "; ".join(f"{directive} {sources}" for directive, sources in POLICY.items()),
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class SecurityHeaders:
    """Adds what an answer lacks; over HTTPS also that browsers are to stay with it."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
        self._over_https = [*self._headers, (b"strict-transport-security", strict_transport_security().encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        stays = scope.get("scheme") == "https" and settings.SECURE_HSTS_SECONDS
        wanted = self._over_https if stays else self._headers

        async def with_headers(message: AsgiMessage) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                names = {name.lower() for name, _ in given}
                message = {**message, "headers": given + [header for header in wanted if header[0] not in names]}
            await send(message)

        await self._application(scope, receive, with_headers)


def strict_transport_security() -> str:
    """The header's value, as the settings want it."""
    subdomains = "; includeSubDomains" if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else ""
    return f"max-age={settings.SECURE_HSTS_SECONDS}{subdomains}"
