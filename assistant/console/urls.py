"""Where the Memory page and its actions are, below `/admin/memory/`."""

from django.contrib import admin
from django.urls import path

from assistant.console import memory_page, steering_pages

view = admin.site.admin_view
urlpatterns = [
    path("", view(memory_page.page), name="memory"),
    path("now/", view(memory_page.now), name="memory_now"),
    *(path(f"{step.slug}/", view(step.view), name=f"memory_{step.slug}") for step in steering_pages.STEPS),
]
