"""The ASGI application: static files and the gate in front of Django."""

import os

from django.conf import settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "easy_islanders.settings")
django_application = get_asgi_application()

from assistant.garbage import leave_start_up_alone  # noqa: E402  # see below
from assistant.publishing import warm_up  # noqa: E402  # see below
from assistant.recycling import watch  # noqa: E402  # see below
from assistant.tasks import mirror_message  # noqa: E402  # see below
from easy_islanders.gate import Gate  # noqa: E402  # reads settings and events, which need Django to be set up

application = Gate(ASGIStaticFilesHandler(django_application))  # type: ignore[arg-type]  # stubs know WSGI only
warm_up(mirror_message)
leave_start_up_alone()
if settings.PROCESS_ROLE == "web":
    watch()
