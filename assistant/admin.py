"""The Django admin: what `assistant.console` registers is imported here, where Django looks for it."""

from django.contrib import admin

from assistant.console import archives, drills, history, letters, messages, people, threads, throttle, tokens

__all__ = ["archives", "drills", "history", "letters", "messages", "people", "threads", "throttle", "tokens"]

admin.site.site_header = "Easy Islanders"
admin.site.site_title = "Easy Islanders"
admin.site.index_template = "admin/assistant/index.html"
