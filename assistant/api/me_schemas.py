"""What goes in and out of `/api/me/` and of a thread's deletion, and the rules for it."""

from datetime import datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field, StrictBool
from pydantic_core import PydanticCustomError

ERASE_ME = "erase everything about me"
ERASE_THREAD = "erase this thread"


def _exactly(words: str) -> AfterValidator:
    def check(said: str) -> str:
        if said != words:
            raise PydanticCustomError("confirmation", f'must be exactly "{words}"')
        return said

    return AfterValidator(check)


class EraseMe(Schema):
    """Says that it is meant."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"confirm": ERASE_ME}]})

    confirm: Annotated[str, _exactly(ERASE_ME)] = Field(description=f'Exactly "{ERASE_ME}".')


class EraseThread(Schema):
    """Says that it is meant."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"confirm": ERASE_THREAD}]})

    confirm: Annotated[str, _exactly(ERASE_THREAD)] = Field(description=f'Exactly "{ERASE_THREAD}".')


class ErasureAccepted(Schema):
    """The erasure has begun; `url` shows how it goes, without an account."""

    receipt: str
    url: str
    state: str
    requested_at: datetime


class Receipt(Schema):
    """What was erased, and when. Holds no personal data."""

    receipt: str
    scope: Literal["person", "thread"]
    state: Literal["requested", "settling", "sealing", "completed"]
    requested_at: datetime
    completed_at: datetime | None
    counts: dict[str, int] = Field(
        description="How much went, by what it was. `archives_brought_back`, `archives_left_out`: after one thread's "
        "erasure, files of your other threads that Zep is told of again, and those that could not be read, or are gone."
    )


class Choices(Schema):
    """What the user may choose."""

    model_config = ConfigDict(extra="forbid")

    memory: StrictBool = Field(description="False: from now on nothing is mirrored to Zep or read from it.")


class Me(Schema):
    """The account and its settings."""

    username: str
    joined_at: datetime
    memory: bool
    threads: int
    messages: int
    tokens: list[str]


class FactsHeld(Schema):
    """What Zep has learned. `available`: whether it could be asked; `reason`: why not."""

    available: bool
    facts: list[str]
    reason: str | None = None


class ExportQueued(Schema):
    """A large export: fetch `url` with the same account's token. `ready` until `expires_at`."""

    state: str = Field(description="waiting or ready")
    url: str
    expires_at: datetime | None
