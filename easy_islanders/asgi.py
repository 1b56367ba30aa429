"""The ASGI application: static files and the gate in front of Django."""

import os

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "easy_islanders.settings")
django_application = get_asgi_application()

from easy_islanders.gate import Gate  # noqa: E402  # reads settings and events, which need Django to be set up

application = Gate(ASGIStaticFilesHandler(django_application))  # type: ignore[arg-type]  # stubs know WSGI only
