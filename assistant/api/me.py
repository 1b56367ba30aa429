"""`/api/me/`: what people may do with their own data: see it, take it with them, opt out, have it erased."""

import asyncio
from collections.abc import AsyncIterator

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Router, Status

from assistant import rates
from assistant.api.auth import BearerToken
from assistant.api.me_schemas import (
    Choices,
    EraseMe,
    EraseThread,
    ErasureAccepted,
    ExportQueued,
    FactsHeld,
    Me,
    Receipt,
)
from assistant.api.schemas import ErrorOut
from assistant.archive.errors import ArchiveDamaged
from assistant.conversation import ThreadNotFound
from assistant.database import in_database
from assistant.errors import EasyIslandersError
from assistant.events import announce
from assistant.models import Erasure, Export, User
from assistant.personal_data import erasure, export_files, exports, facts, receipts
from assistant.personal_data.choices import choose_memory
from assistant.personal_data.events import ExportEnded
from assistant.rates import RateLimited

ERRORS = frozenset({400, 401, 403, 404, 405, 413, 422, 429, 500, 503})
router = Router(auth=BearerToken(), tags=["personal data"])


class StaffAccount(EasyIslandersError):
    """Who can operate the system is erased by an operator, so that a stolen token cannot lock everybody out."""


@router.get("/me/", response={200: Me, ERRORS: ErrorOut}, url_name="me", summary="See your account")
async def me(request: HttpRequest) -> Me:
    """The account, its settings, and how much is held."""
    return await in_database(_me, _user(request))


@router.patch("/me/", response={200: Me, ERRORS: ErrorOut}, summary="Opt out of memory, or in again")
async def choose(request: HttpRequest, body: Choices) -> Me:
    """While memory is off nothing is sent to Zep or read from it; what is said then is never sent."""
    await rates.count(rates.changes(), _user(request).pk)
    user = await in_database(choose_memory, _user(request), memory_on=body.memory)
    return await in_database(_me, user)


@router.get(
    "/me/facts/", response={200: FactsHeld, ERRORS: ErrorOut}, exclude_none=True, summary="See the facts held about you"
)
async def facts_held(request: HttpRequest) -> FactsHeld:
    """What Zep has learned. Zep being away is no error: then `available` is false."""
    user = _user(request)
    await rates.count(rates.facts(), user.pk)
    held = await facts.facts_held(user)
    return FactsHeld(available=not held.reason, facts=list(held.facts), reason=held.reason or None)


@router.delete("/me/", response={202: ErasureAccepted, ERRORS: ErrorOut}, summary="Erase everything about you")
async def erase(request: HttpRequest, body: EraseMe) -> Status[ErasureAccepted]:
    """Begins at once; the token stops working. The receipt can be fetched without an account."""
    user = _user(request)
    if user.is_staff or user.is_superuser:
        raise StaffAccount
    begun = await in_database(erasure.request, user, erasure.THEMSELVES)
    return Status(202, _accepted(begun))


@router.delete("/threads/{thread_id}/", response={202: ErasureAccepted, ERRORS: ErrorOut}, summary="Erase one thread")
async def erase_thread(request: HttpRequest, thread_id: str, body: EraseThread) -> Status[ErasureAccepted]:
    """The same for one conversation. Its id cannot be used again."""
    if not _may_be_an_id(thread_id):
        raise ThreadNotFound
    await rates.count(rates.changes(), _user(request).pk)
    begun = await in_database(erasure.request_thread, _user(request), thread_id, erasure.THEMSELVES)
    return Status(202, _accepted(begun))


@router.get(
    "/me/erasures/{receipt}/",
    auth=None,
    response={200: Receipt, ERRORS: ErrorOut},
    url_name="erasure",
    summary="See how an erasure goes",
)
async def receipt(request: HttpRequest, response: HttpResponse, receipt: str) -> dict[str, object]:
    """Needs no account: after the erasure there is none. The receipt's id is the key."""
    found = await in_database(receipts.find, receipt) if _may_be_an_id(receipt) else None
    if found is None:
        raise Http404
    response.headers["Cache-Control"] = "no-store"  # who has the address may see it, no proxy
    return receipts.as_receipt(found)


@router.get("/me/export/", response={202: ExportQueued, ERRORS: ErrorOut}, summary="Get everything about you")
async def export(request: HttpRequest) -> HttpResponse | Status[ExportQueued]:
    """A ZIP of JSON files with a manifest (200); where there is much, a link to it (202), good for an hour."""
    user = _user(request)
    under_way = await in_database(exports.current, user)
    if under_way is None:
        await _count_export(user)
        if await in_database(exports.is_small, user):
            return _as_zip(await in_database(exports.made_at_once, user))
        under_way = await in_database(exports.begin, user)
    return Status(202, _queued(under_way))


@router.get("/me/exports/{export_id}/", response={202: ExportQueued, ERRORS: ErrorOut}, summary="Fetch a large export")
async def fetch_export(request: HttpRequest, export_id: str) -> HttpResponse | Status[ExportQueued]:
    """For its owner, with their token, until it expires. 202 while it is being made, or made anew."""
    found = await in_database(exports.current, _user(request))
    if found is None or found.pk != export_id:
        raise Http404
    ready = await in_database(exports.opened, found)
    return _as_zip(ready, found) if ready else Status(202, _queued(found))


def _may_be_an_id(words: str) -> bool:
    """PostgreSQL fails on a text with a zero in it, and a path may hold anything."""
    return "\0" not in words


async def _count_export(user: User) -> None:
    try:
        await rates.count(rates.exports(), user.pk)
    except RateLimited:
        announce(ExportEnded("refused"))
        raise


def _user(request: HttpRequest) -> User:
    user: User = request.auth  # type: ignore[attr-defined]  # ninja puts there what BearerToken answered
    return user


def _me(user: User) -> Me:
    return Me(
        username=user.username,
        joined_at=user.date_joined,
        memory=user.memory_on,
        threads=user.threads.count(),
        messages=user.messages.count(),
        tokens=list(user.api_tokens.order_by("pk").values_list("name", flat=True)),
    )


def _accepted(begun: Erasure) -> ErasureAccepted:
    url = f"/api/me/erasures/{begun.receipt}/"
    return ErasureAccepted(receipt=begun.receipt, url=url, state=begun.state, requested_at=begun.requested_at)


def _queued(export: Export) -> ExportQueued:
    return ExportQueued(state=export.state, url=f"/api/me/exports/{export.pk}/", expires_at=export.expires_at)


def _as_zip(ready: export_files.Ready, export: Export | None = None) -> HttpResponse:
    answer = StreamingHttpResponse(_pieces(ready, export), content_type="application/zip")
    answer.headers["Content-Length"] = str(ready.size)  # an answer that is broken off is seen to be
    answer.headers["Content-Disposition"] = 'attachment; filename="easy-islanders-export.zip"'
    answer.headers["Cache-Control"] = "no-store"
    return answer  # type: ignore[return-value]  # ninja passes on any response of Django's


async def _pieces(ready: export_files.Ready, export: Export | None) -> AsyncIterator[bytes]:
    """Its ends were checked before; damage between them breaks the answer off."""
    try:
        while piece := await asyncio.to_thread(ready.read):
            yield piece
    except ArchiveDamaged:
        if export:
            await in_database(exports.make_anew, export)
        raise
    finally:
        ready.close()
