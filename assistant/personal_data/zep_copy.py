"""What Zep holds about a user, asked for within a time. Never raises on its account: what is missing is said."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from django.conf import settings

from assistant import loops
from assistant.database import give_back_connection
from assistant.memory.errors import ZepNotFound, ZepRequestError, ZepTimeout, ZepUnavailable
from assistant.memory.zep_client import zep
from assistant.models import User
from assistant.personal_data.facts import why_reads_are_off

T = TypeVar("T")
Record = Mapping[str, Any]
PAGE, FACTS = 100, 1_000  # facts come all at once or not at all, and an answer of Zep's has at most 1 MiB


class Asked:
    """One round of questions, until a time. Once Zep has failed it is asked nothing more.

    `pauses`: in seconds, before what failed is asked again; without any once is enough. That Zep knows no such session
    or user is an answer: it holds nothing of them. `got_on` is called for each session, whatever it holds.
    """

    def __init__(
        self, user: User, until: float, pauses: Sequence[float] = (), got_on: Callable[[], None] = lambda: None
    ) -> None:
        self._user, self._until, self._pauses, self._got_on = user, until, pauses, got_on
        self._missing = "zep_not_configured" if not settings.ZEP_BASE_URL else ""
        if not self._missing and settings.PROCESS_ROLE == "web" and settings.FLAG_ZEP_READ:
            self._missing = loops.run(why_reads_are_off())  # no web process reads Zep then, whoever asks

    def messages(self) -> Iterator[Record]:
        """Every message that Zep holds in the user's sessions."""
        threads = list(self._user.threads.filter(known_to_zep_at__isnull=False).values_list("pk", flat=True))
        give_back_connection()  # for as long as Zep takes
        for thread_id in threads:
            self._got_on()
            page = 1
            while found := self._ask(partial(zep_page, thread_id, page)):
                yield from ({"thread_id": thread_id} | message for message in found)
                page += 1
                if len(found) < PAGE:
                    break

    def facts(self) -> Iterator[Record]:
        """Every fact that Zep shows for the user."""
        found = self._ask(partial(_facts, self._user)) or ()
        yield from ({"fact": fact} for fact in found)
        if len(found) >= FACTS:
            self._missing = "too_many_facts"

    def outcome(self) -> dict[str, object]:
        """For the manifest: whether all of it is there, and why not."""
        return {"complete": not self._missing} | ({"reason": self._missing} if self._missing else {})

    def _ask(self, call: Callable[[], Awaitable[T]]) -> T | None:
        if self._missing:
            return None
        failure = ""
        for pause in (0.0, *self._pauses):
            time.sleep(pause)
            try:
                return self._asked_once(call)
            except ZepNotFound:
                return None
            except ZepUnavailable as error:
                failure = error.reason
            except ZepRequestError as error:
                failure = error.reason
                break
        self._missing = failure
        return None

    def _asked_once(self, call: Callable[[], Awaitable[T]]) -> T:
        left = self._until - time.monotonic()
        if left <= 0:
            raise ZepTimeout
        try:
            return loops.run(_within(call, min(left, settings.ZEP_WRITE_TIMEOUT_MS / 1000)))
        except TimeoutError:
            raise ZepTimeout from None


async def zep_page(thread_id: str, page: int) -> list[dict[str, Any]]:
    """One page of a session's messages as plain values."""
    found = await zep().list_messages(thread_id, page, size=PAGE)
    names = ("uuid_", "created_at", "role_type", "content", "metadata")
    return [{name.rstrip("_"): getattr(message, name) for name in names} for message in found]


async def _facts(user: User) -> tuple[str, ...]:
    return await zep().facts_about(user.memory_id, most=FACTS)


async def _within(call: Callable[[], Awaitable[T]], seconds: float) -> T:
    async with asyncio.timeout(seconds):
        return await call()
