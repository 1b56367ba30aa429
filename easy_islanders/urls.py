"""Which address leads where."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from assistant.api import health
from assistant.api.chat import api
from assistant.api.errors import bad_request_page, not_found_page, server_error_page
from assistant.monitoring.endpoint import metrics

urlpatterns = [
    path("", RedirectView.as_view(url="/api/docs")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("api/metrics/", metrics),
    path("api/", api.urls),
    path("admin/memory/", include("assistant.console.urls")),
    path("admin/", admin.site.urls),
]
handler400 = bad_request_page
handler404 = not_found_page
handler500 = server_error_page
