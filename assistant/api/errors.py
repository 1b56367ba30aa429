"""Every error of the API as `{"error": {"code", "message", "details"?}}`. Never repeats what was sent."""

import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.views.defaults import bad_request, page_not_found, server_error
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from assistant.api.me import StaffAccount
from assistant.archive.errors import ArchiveDamaged, ArchiveError, ArchiveExpired
from assistant.conversation import MessageConflict, ThreadNotFound, UserGone
from assistant.personal_data.choices import ChoiceNotWritten
from assistant.personal_data.exports import ExportUnreadable
from assistant.rates import RateLimited

Details = Sequence[Mapping[str, str]]
CODES = {400: "bad_json", 401: "not_authenticated", 404: "not_found", 405: "method_not_allowed"}
CHAT = "api:chat"


def error_body(code: str, message: str, details: Details | None = None) -> dict[str, object]:
    """The JSON object of an error answer."""
    error: dict[str, object] = {"code": code, "message": message}
    return {"error": error | ({"details": list(details)} if details else {})}


def error_response(
    status: int, code: str, message: str, *, details: Details | None = None, headers: Mapping[str, str] | None = None
) -> JsonResponse:
    return JsonResponse(error_body(code, message, details), status=status, headers=dict(headers or {}))


def install(api: NinjaAPI) -> None:
    """Teach `api` to answer our errors and its own in the one shape."""
    handlers: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
        ValidationError: _invalid,
        AuthenticationError: _not_authenticated,
        UserGone: _not_authenticated,
        HttpError: _http_error,
        Http404: _not_found,
        ThreadNotFound: _thread_not_found,
        MessageConflict: _conflict,
        RateLimited: _rate_limited,
        StaffAccount: _staff_account,
        ArchiveError: _archive_unreadable,
        ArchiveDamaged: _archive_lost,
        ArchiveExpired: _archive_expired,
        ExportUnreadable: _export_unreadable,
        ChoiceNotWritten: _choice_not_written,
        OperationalError: _database_down,
        InterfaceError: _database_down,
    }
    for error, handler in handlers.items():
        api.add_exception_handler(error, handler)


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    if not request.body and request.method != "DELETE":  # ninja takes no body for an empty one
        return _bad_json()
    details = [
        {"field": ".".join(str(part) for part in one["loc"][2:]) or "body", "rule": one["type"], "message": one["msg"]}
        for one in error.errors
    ]
    named = ", ".join(dict.fromkeys(detail["field"] for detail in details))
    return error_response(422, "invalid_fields", f"Check these fields: {named}.", details=details)


def _not_authenticated(_request: HttpRequest, _error: Exception) -> HttpResponse:
    headers = {"WWW-Authenticate": "Bearer"}
    return error_response(401, CODES[401], "Send a valid token: Authorization: Bearer <token>.", headers=headers)


def _http_error(_request: HttpRequest, error: HttpError) -> HttpResponse:
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return _bad_json()
    return error_response(error.status_code, CODES.get(error.status_code, "refused"), "The request was refused.")


def _bad_json() -> HttpResponse:
    return error_response(400, CODES[400], "The body is not valid JSON.")


def _not_found(_request: HttpRequest, _error: Http404) -> HttpResponse:
    return error_response(404, CODES[404], "There is nothing here.")


def _thread_not_found(_request: HttpRequest, _error: ThreadNotFound) -> HttpResponse:
    return error_response(404, "thread_not_found", "You have no thread with this thread_id.")


def _conflict(_request: HttpRequest, _error: MessageConflict) -> HttpResponse:
    message = "This client_msg_id was used before, with another message or in another thread."
    return error_response(409, "client_msg_id_conflict", message)


def _rate_limited(_request: HttpRequest, error: RateLimited) -> HttpResponse:
    headers = {"Retry-After": str(error.retry_after)}
    return error_response(429, "rate_limited", "Too many requests; try again later.", headers=headers)


def _staff_account(_request: HttpRequest, _error: StaffAccount) -> HttpResponse:
    return error_response(403, "staff_account", "Accounts of staff are erased by an operator: manage.py erase_user.")


def _database_down(request: HttpRequest, _error: Exception) -> HttpResponse:
    message = "The database does not answer; try again in a moment."
    if request.resolver_match and request.resolver_match.view_name == CHAT:
        message = "The message could not be stored; send it again with the same client_msg_id."
    return error_response(503, "database_unavailable", message, headers={"Retry-After": "2"})


def _archive_unreadable(_request: HttpRequest, _error: Exception) -> HttpResponse:
    message = "What was answered is archived, and the archive cannot be read now; try again later."
    return error_response(503, "archive_unavailable", message, headers={"Retry-After": "30"})


def _archive_lost(_request: HttpRequest, _error: Exception) -> HttpResponse:
    """To come back would be of no use. Where an operator puts the file back all the same, a replay finds its answer."""
    message = "This message was answered; the archive with its text is missing or damaged. Say it under a new id."
    return error_response(410, "archive_lost", message)


def _archive_expired(_request: HttpRequest, _error: Exception) -> HttpResponse:
    return error_response(
        410, "archive_expired", "This message was answered; its text was kept for its time and is gone."
    )


def _export_unreadable(_request: HttpRequest, _error: Exception) -> HttpResponse:
    message = "The export cannot be read now; try again later."
    return error_response(503, "export_unavailable", message, headers={"Retry-After": "30"})


def _choice_not_written(_request: HttpRequest, _error: Exception) -> HttpResponse:
    message = "Your choice could not be stored, and nothing was changed; try again later."
    return error_response(503, "choice_not_stored", message, headers={"Retry-After": "30"})


def in_the_one_shape(request: HttpRequest, refusal: HttpResponseNotAllowed) -> None:
    """405: give it the API's shape below /api/, with `Allow` in a fixed order. ninja has no hook for it."""
    if not request.path.startswith("/api/"):
        return
    refusal.headers["Allow"] = allowed = ", ".join(sorted(refusal.headers["Allow"].split(", ")))
    refusal.headers["Content-Type"] = "application/json"
    refusal.content = json.dumps(error_body(CODES[405], f"Use {allowed}.")).encode()


def not_found_page(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 outside the API's routes: the API's shape below /api/, Django's page elsewhere."""
    if request.path.startswith("/api/"):
        return error_response(404, CODES[404], "There is nothing here.")
    return page_not_found(request, exception)


def server_error_page(request: HttpRequest) -> HttpResponse:
    """500: the API's shape below /api/, Django's page elsewhere."""
    if request.path.startswith("/api/"):
        return error_response(500, "internal_error", "Something went wrong on our side; it has been logged.")
    return server_error(request)


def bad_request_page(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 from Django itself, such as a Host that is not ours: the API's shape below /api/, Django's page elsewhere."""
    if request.path.startswith("/api/"):
        return error_response(400, "bad_request", "The request was refused.")
    return bad_request(request, exception)
