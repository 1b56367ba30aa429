"""The ASGI application: security headers, the gate, static files, Django."""

import os

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "easy_islanders.settings")
django_application = get_asgi_application()

from assistant.garbage import leave_start_up_alone  # noqa: E402  # see below
from assistant.publishing import warm_up  # noqa: E402  # see below
from assistant.tasks import mirror_message  # noqa: E402  # see below
from easy_islanders.gate import Gate  # noqa: E402  # reads settings and events, which need Django to be set up
from easy_islanders.headers import SecurityHeaders  # noqa: E402  # reads settings

static_files = ASGIStaticFilesHandler(django_application)
application = SecurityHeaders(Gate(static_files))  # type: ignore[arg-type]  # Django names narrower types for ASGI
warm_up(mirror_message)
leave_start_up_alone()
