"""What Zep remembers of a thread, as a value. Knows how it is written to the cache, not how it was fetched."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

ContextMode = Literal["summary", "recent", "facts"]
CONTEXT_MODES: tuple[ContextMode, ...] = ("summary", "recent", "facts")


@dataclass(frozen=True)
class RemoteMessage:
    """A message as Zep holds it: already redacted."""

    role: str
    text: str


@dataclass(frozen=True)
class ThreadContext:
    """`facts`: prose sentences about the user. `recent`: the thread's last messages at Zep, oldest first."""

    facts: tuple[str, ...] = ()
    recent: tuple[RemoteMessage, ...] = ()
    summary: str = ""

    def narrowed(self, mode: ContextMode) -> "ThreadContext":
        """Only what `mode` asks for; `summary` asks for all of it."""
        if mode == "facts":
            return ThreadContext(facts=self.facts)
        if mode == "recent":
            return ThreadContext(recent=self.recent)
        return self

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> "ThreadContext":
        """Raise ValueError, KeyError or TypeError where `text` is not what `to_json` wrote."""
        stored = json.loads(text)
        recent = tuple(RemoteMessage(str(m["role"]), str(m["text"])) for m in stored["recent"])
        return cls(tuple(str(fact) for fact in stored["facts"]), recent, str(stored["summary"]))
