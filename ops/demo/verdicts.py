"""Whether what was seen is what was promised. Pure: judges values, fetches none."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.demo import script

Json = dict[str, Any]


@dataclass(frozen=True)
class Spoken:
    """One line of the script and the answer to it."""

    line: script.Line
    answer: Json

    @property
    def thread_id(self) -> str:
        return str(self.answer["thread_id"])

    @property
    def memory(self) -> Json:
        return dict(self.answer["trace"]["memory"])

    @property
    def message_ids(self) -> list[str]:
        """The `client_msg_id` of the message and of its reply."""
        return [str(self.answer["client_msg_id"]), str(self.answer["reply"]["client_msg_id"])]


def expected_ids(spoken: Sequence[Spoken]) -> dict[str, list[str]]:
    """By thread, the ids of the messages that Zep must come to hold, in order."""
    expected: dict[str, list[str]] = {}
    for each in spoken:
        expected.setdefault(each.thread_id, []).extend(each.message_ids)
    return expected


def held_ids(thread: Json | None) -> list[str]:
    """The ids of the messages that Zep holds of a thread, in its order."""
    return [str(message["metadata"]["client_msg_id"]) for message in (thread or {}).get("messages", [])]


def is_free_of_raw_data(held: Mapping[str, Json | None]) -> bool:
    """Neither the e-mail address nor the phone number, however it is written, is anywhere at Zep."""
    text = "\n".join(contents(held))
    return script.EMAIL not in text and digits(script.PHONE) not in digits(text)


def contents(held: Mapping[str, Json | None]) -> list[str]:
    threads = [thread for thread in held.values() if thread]
    said = [str(message["content"]) for thread in threads for message in thread["messages"]]
    return said + [json.dumps(thread.get("facts", []), ensure_ascii=False) for thread in threads]


def digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def on_memory(spoken: Sequence[Spoken]) -> dict[str, bool]:
    """What a returning and an unknown person must find."""
    returning = next(each for each in spoken if each.line.thread == "later")
    stranger = next(each for each in spoken if each.line.speaker == script.DENIZ)
    return {
        "a returning person is remembered in a new thread": returning.memory.get("facts_count", 0) > 0,
        "another person sees none of it": stranger.memory.get("facts_count", 0) == 0,
    }


def on_zep(spoken: Sequence[Spoken], held: Mapping[str, Json | None]) -> dict[str, bool]:
    """What Zep must hold, and must not."""
    arrived = all(held_ids(held.get(thread_id)) == ids for thread_id, ids in expected_ids(spoken).items())
    return {
        "every message is at Zep exactly once, in order": arrived,
        "neither phone number nor e-mail address is at Zep": arrived and is_free_of_raw_data(held),
    }
