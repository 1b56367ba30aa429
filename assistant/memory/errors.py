"""What can go wrong between us and Zep, told by what to do next. Knows no client library and no HTTP client."""

from http import HTTPStatus

from assistant.errors import EasyIslandersError


class ZepRequestError(EasyIslandersError):
    """A call to Zep that did not succeed.

    `status_code`: what Zep answered, None without an answer. `retry_after`: seconds Zep asked us to wait, None when it
    did not say. `reason`: a word for traces and logs (`timeout`, `auth`, `http_503`, `connection`, `bad_response`,
    `rate_limited`).
    """

    reason = "other"

    def __init__(self, status_code: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(f"{type(self).__name__}(status_code={status_code}, retry_after={retry_after})")
        self.status_code = status_code
        self.retry_after = retry_after


class ZepUnavailable(ZepRequestError):
    """Try later: nothing is wrong with what was asked."""


class ZepTimeout(ZepUnavailable):
    """No full answer in time. A write may have been stored all the same."""

    reason = "timeout"


class ZepUnreachable(ZepUnavailable):
    """The connection could not be made, or broke. A write may have been stored all the same."""

    reason = "connection"


class ZepUnreadable(ZepUnavailable):
    """An answer that is not Zep's: not JSON, another shape, too large, or encoded in a way we did not ask for."""

    reason = "bad_response"


class ZepServerError(ZepUnavailable):
    """5xx. A write may have been stored all the same: Community Edition stores before it calls its graph."""

    @property
    def reason(self) -> str:  # type: ignore[override]  # the status is part of the word, as the trace shows it
        return f"http_{self.status_code}"


class ZepRateLimited(ZepUnavailable):
    """429: wait `retry_after` seconds."""

    reason = "rate_limited"


class ZepUnauthorized(ZepUnavailable):
    """401 or 403: an operator has to mend the key; what was asked is fine and waits."""

    reason = "auth"


class ZepRejected(ZepRequestError):
    """Do not try again unchanged: Zep refuses what was asked (400, 413, 422 and other 4xx)."""

    @property
    def reason(self) -> str:  # type: ignore[override]  # the status is part of the word, as the trace shows it
        return f"http_{self.status_code}"


class ZepDuplicate(ZepRejected):
    """400: a message with one of the uuids exists already. Nothing of the batch was stored."""


class ZepNotFound(ZepRejected):
    """404: there is no such user, session or message."""


BY_STATUS: dict[int, type[ZepRequestError]] = {
    HTTPStatus.UNAUTHORIZED: ZepUnauthorized,
    HTTPStatus.FORBIDDEN: ZepUnauthorized,
    HTTPStatus.NOT_FOUND: ZepNotFound,
    HTTPStatus.REQUEST_TIMEOUT: ZepTimeout,
    HTTPStatus.TOO_MANY_REQUESTS: ZepRateLimited,
}


def error_for_status(status_code: int, retry_after: float | None = None) -> ZepRequestError:
    """The error that an answer with this status stands for; only statuses of 300 and above are errors."""
    if status_code in BY_STATUS:
        return BY_STATUS[status_code](status_code, retry_after)
    if status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ZepServerError(status_code, retry_after)
    if status_code >= HTTPStatus.BAD_REQUEST:
        return ZepRejected(status_code, retry_after)
    return ZepUnreadable(status_code, retry_after)


METRIC_REASONS = ("auth", "timeout", "http_5xx", "connection", "bad_response", "rate_limited", "other")


def metric_reason(reason: str) -> str:
    """`reason` folded to the small fixed set that a metric label may take."""
    folded = "http_5xx" if reason.startswith("http_5") else reason
    return folded if folded in METRIC_REASONS else "other"
