"""What names a person outside their conversations: tokens, log-ins, the admin's log, the audit. Knows tables only.

The request ends log-ins and takes the name; all other traces are the worker's to remove, in portions, whatever there is
of them: `PARTS`. By then the user's row has no name any more, so whose they are is said with `Whose`.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db.models import Model, Q, QuerySet

from assistant.models import AuditEntry, DrillRun, ModeTransition, Thread, User
from assistant.personal_data import unnaming
from assistant.personal_data.unnaming import ERASED

ROWS_AT_ONCE = 500
Removal = Callable[[], int]  # inside a transaction: how many went


@dataclass(frozen=True)
class Whose:
    """Whose traces: of a person with all threads, or of threads alone, with no `person_pk` and no names.

    A person may have no name they can be told by. `until`: what is younger is a namesake's.
    """

    person_pk: int | None
    names: frozenset[str]
    threads: tuple[str, ...]
    until: datetime | None = None


def names_of(user: User) -> list[str]:
    """What the person is called, where they can be told by it."""
    return [name for name in (user.username, user.email) if name and name not in unnaming.NOBODYS_NAMES]


def end_log_ins(user: User) -> int:
    """Remove the tokens; how many there were. Log-ins of the admin end with `unname`, which takes the password."""
    return user.api_tokens.all().delete()[0]


def unname(user: User) -> None:
    """Take the name off the user's row, which stays until Zep has forgotten them."""
    user.username = f"{ERASED}-{secrets.token_hex(8)}"
    user.first_name = user.last_name = user.email = ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.set_unusable_password()
    user.save()


def _sessions(whose: Whose) -> Iterator[Removal]:
    """Log-ins of the admin. Their content is signed, so each has to be read; few people have one."""
    if not whose.person_pk:
        return
    theirs = [
        session.pk
        for session in Session.objects.iterator()
        if str(session.get_decoded().get("_auth_user_id")) == str(whose.person_pk)
    ]
    yield from (partial(_delete, Session, some) for some in _in_portions(theirs))


def _log_in_attempts(whose: Whose) -> Iterator[Removal]:
    """Attempts to log in under the name, where django-axes keeps them. Over indexes."""
    if not apps.is_installed("axes"):
        return
    for model in apps.get_app_config("axes").get_models():
        if hasattr(model, "username"):
            rows = model._default_manager.filter(_until(whose, "attempt_time"), username__in=whose.names)
            yield from _deleted(rows)


def _admin_log(whose: Whose) -> Iterator[Removal]:
    """Lines about the user or the threads, which quote names, and those that the user wrote."""
    if whose.person_pk:
        about_user = Q(content_type=ContentType.objects.get_for_model(User), object_id=str(whose.person_pk))
        yield from _deleted(LogEntry.objects.filter(about_user | Q(user=whose.person_pk)))
    for some in _in_portions(whose.threads):
        of_threads = ContentType.objects.get_for_model(Thread)
        yield from _deleted(LogEntry.objects.filter(content_type=of_threads, object_id__in=some))


def _operators_names(whose: Whose) -> Iterator[Removal]:
    """In what they did as an operator: the guard's history and the drills, which only name them."""
    for model, at in ((ModeTransition, "at"), (DrillRun, "started_at")):
        rows: QuerySet[Any] = model._default_manager.filter(_until(whose, at), by__in=whose.names)
        while some := _portion(rows):
            yield partial(model._default_manager.filter(pk__in=some).update, by=ERASED)


def _audit_entries(whose: Whose) -> Iterator[Removal]:
    """Over indexes alone, after the words of what was written since the last time are listed."""
    unnaming.list_words()
    mine = _until(whose, "at")
    yield from _unnamed(unnaming.by(whose.names).filter(mine), whose)
    yield from _unnamed(unnaming.about(whose.names).filter(mine), whose)
    for some in _in_portions(whose.threads):
        yield from _unnamed(unnaming.about(some), whose)


PARTS: dict[str, Callable[[Whose], Iterator[Removal]]] = {
    "sessions": _sessions,
    "log_in_attempts": _log_in_attempts,
    "admin_log": _admin_log,
    "operators_names": _operators_names,
    "audit_entries": _audit_entries,
}


def _in_portions(every: Sequence[str]) -> Iterator[Sequence[str]]:
    return (every[at : at + ROWS_AT_ONCE] for at in range(0, len(every), ROWS_AT_ONCE))


def _until(whose: Whose, field: str) -> Q:
    return Q(**{f"{field}__lte": whose.until}) if whose.until else Q()


def _portion(rows: QuerySet[Any]) -> list[Any]:
    return list(rows.values_list("pk", flat=True)[:ROWS_AT_ONCE])


def _deleted(rows: QuerySet[Any]) -> Iterator[Removal]:
    """Each portion is looked for once the one before is gone."""
    while some := _portion(rows):
        yield partial(_delete, rows.model, some)


def _delete(model: type[Model], pks: Any) -> int:
    return int(model._default_manager.filter(pk__in=pks).delete()[0])


def _unnamed(entries: QuerySet[AuditEntry], whose: Whose) -> Iterator[Removal]:
    while some := _portion(entries):
        yield partial(_unname, some, whose)


def _unname(pks: list[int], whose: Whose) -> int:
    """What is younger than `until` was found because of a thread: a namesake's name stays in it."""
    locked = list(AuditEntry.objects.select_for_update().filter(pk__in=pks).order_by("pk"))
    older = [entry for entry in locked if not whose.until or entry.at <= whose.until]
    younger = [entry for entry in locked if entry not in older]
    threads = frozenset(whose.threads)
    changed = unnaming.take_out(older, whose.names, threads)
    return changed + unnaming.take_out(younger, frozenset(), threads)
