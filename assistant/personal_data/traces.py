"""What names a person outside their conversations: tokens, log-ins, the admin's log, the audit. Knows tables only."""

import json
import secrets
from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from assistant.models import AuditEntry, DrillRun, ModeTransition, Thread, User

ERASED = "erased"
THEMSELVES = "user"  # who asked, in the audit, where it was the person the data are about
# What the audit calls those who are nobody's account. A person who is called so cannot be told from them.
NOBODYS_NAMES = frozenset({THEMSELVES, "system", "retention", "reapply_erasures", "schedule", "guard", "probe", ERASED})
FEW_NAMES = 10  # for these the database looks; it compares each entry with every name


def remove(user: User) -> dict[str, int]:
    """Remove what logs the user in and what names them; how much there was of each. Inside a transaction."""
    return {
        "tokens": user.api_tokens.all().delete()[0],
        "sessions": _remove_sessions(user.pk),
        "log_in_attempts": _remove_attempts(user.username),
        "admin_log": _remove_admin_log(user),
        "operators_names": _unname_operator(user.username),
        "audit_entries": unname_in_audit([user.username, user.email, *user.threads.values_list("pk", flat=True)]),
    }


def unname(user: User) -> None:
    """Take the name off the user's row, which stays until Zep has forgotten them."""
    user.username = f"{ERASED}-{secrets.token_hex(8)}"
    user.first_name = user.last_name = user.email = ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.set_unusable_password()
    user.save()


def unname_in_audit(names: Iterable[str]) -> int:
    """Replace whole values of the audit that are one of `names`; how many entries held one. It keeps what was done."""
    wanted = frozenset(name for name in names if name) - NOBODYS_NAMES
    found = [entry for entry in _entries_to_read(wanted).iterator() if _mentions(entry, wanted)]
    for entry in found:
        entry.actor = ERASED if entry.actor in wanted else entry.actor
        entry.details = _without(entry.details, wanted)
        entry.save(update_fields=["actor", "details"])
    return len(found)


def _entries_to_read(names: frozenset[str]) -> QuerySet[AuditEntry]:
    """Those that may mention one of a few names. For many names all: that is one pass, not one for each name."""
    if len(names) > FEW_NAMES:
        return AuditEntry.objects.all()
    mentions = Q(actor__in=names)
    for name in names:
        mentions |= Q(words__contains=json.dumps(name)[1:-1]) | Q(words__contains=name)
    return AuditEntry.objects.annotate(words=Cast("details", TextField())).filter(mentions)


def _mentions(entry: AuditEntry, names: frozenset[str]) -> bool:
    return entry.actor in names or _without(entry.details, names) != entry.details


def _without(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_without(each, names) for each in value]
    return ERASED if isinstance(value, str) and value in names else value


def _unname_operator(username: str) -> int:
    """In what they did as an operator: the guard's history and the drills, which only name them."""
    if username in NOBODYS_NAMES:
        return 0
    return sum(model._default_manager.filter(by=username).update(by=ERASED) for model in (ModeTransition, DrillRun))


def _remove_sessions(user_pk: int) -> int:
    """Log-ins of the admin. Their content is signed, so each has to be read; few people have one."""
    theirs = [
        session.pk
        for session in Session.objects.iterator()
        if str(session.get_decoded().get("_auth_user_id")) == str(user_pk)
    ]
    return Session.objects.filter(pk__in=theirs).delete()[0]


def _remove_attempts(username: str) -> int:
    """Attempts to log in under the name, where django-axes keeps them."""
    if not apps.is_installed("axes"):
        return 0
    models = [model for model in apps.get_app_config("axes").get_models() if hasattr(model, "username")]
    return sum(model._default_manager.filter(username=username).delete()[0] for model in models)


def _remove_admin_log(user: User) -> int:
    """Lines about the user or their threads, which quote names. Lines that the user wrote go with the user's row."""
    about_user = Q(content_type=ContentType.objects.get_for_model(User), object_id=str(user.pk))
    threads = list(map(str, user.threads.values_list("pk", flat=True)))
    about_threads = Q(content_type=ContentType.objects.get_for_model(Thread), object_id__in=threads)
    return LogEntry.objects.filter(about_user | about_threads | Q(user=user)).delete()[0]
