"""`python -m ops.demo`: speaks the script to the running system and says whether memory did its part.

Exit codes: 0 all passed, 1 something failed, 2 nothing is running.
"""

import argparse
import json
import os
import secrets
import sys
import time
from collections.abc import Mapping, Sequence

from ops.demo import verdicts
from ops.demo.script import SCRIPT, Line
from ops.demo.system import Json, NotRunning, System, Unexpected, find
from ops.demo.verdicts import Spoken

MIRROR_SECONDS = 30.0
POLL_SECONDS = 0.1
PASSED, FAILED, NOT_RUNNING = 0, 1, 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.demo", description="A scripted conversation.")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    as_json = parser.parse_args().json
    try:
        return demonstrate(find(os.environ), as_json=as_json)
    except NotRunning as failure:
        print(failure, file=sys.stderr)
        return NOT_RUNNING
    except Unexpected as failure:
        print(failure, file=sys.stderr)
        return FAILED


def demonstrate(system: System, *, as_json: bool) -> int:
    """Speak every line, look at Zep, judge."""
    visible, cast = system.has_standin(), secrets.token_hex(3)
    spoken: list[Spoken] = []
    for line in SCRIPT:
        spoken.append(say(system, line, spoken, cast))
        if not as_json:
            print(turn_as_text(spoken[-1]), flush=True)
        if visible:
            wait_for_mirror(system, spoken)
    held = {thread_id: system.held_by_zep(thread_id) for thread_id in verdicts.expected_ids(spoken)} if visible else {}
    judged = verdicts.on_memory(spoken) | (verdicts.on_zep(spoken, held) if visible else {})
    print(outcome_as_json(spoken, held, judged) if as_json else outcome_as_text(held, judged))
    return PASSED if all(judged.values()) else FAILED


def say(system: System, line: Line, before: Sequence[Spoken], cast: str) -> Spoken:
    """Speak one line in its conversation, as a person nobody has met in an earlier demonstration."""
    thread_ids = (
        each.thread_id for each in before if (each.line.speaker, each.line.thread) == (line.speaker, line.thread)
    )
    return Spoken(line, system.chat(f"{line.speaker}-{cast}", line.text, next(thread_ids, None)))


def wait_for_mirror(system: System, spoken: Sequence[Spoken]) -> None:
    """Wait until Zep holds as many messages of the last thread as were sent; whether the right ones is judged later."""
    thread_id = spoken[-1].thread_id
    expected = len(verdicts.expected_ids(spoken)[thread_id])
    deadline = time.monotonic() + MIRROR_SECONDS
    while len(verdicts.held_ids(system.held_by_zep(thread_id))) < expected and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def turn_as_text(spoken: Spoken) -> str:
    reply = "\n".join(f"      {row}" for row in str(spoken.answer["reply"]["text"]).splitlines())
    where = f"{spoken.line.speaker}, {spoken.line.thread} thread"
    return f"{where}: {spoken.line.text}\n{reply}\n      memory: {json.dumps(spoken.memory)}\n"


def outcome_as_text(held: Mapping[str, Json | None], judged: Mapping[str, bool]) -> str:
    threads = [f"Zep holds of thread {thread_id}:\n{held_as_text(thread)}" for thread_id, thread in held.items()]
    if not held:
        threads = ["Zep is not the stand-in: what it holds cannot be shown, and was not judged.\n"]
    return "\n".join([*threads, *(f"{'PASS' if good else 'FAIL'}  {claim}" for claim, good in judged.items())])


def held_as_text(thread: Json | None) -> str:
    if thread is None:
        return "  nothing\n"
    said = [f"  {message['role']}: {' / '.join(message['content'].splitlines())}" for message in thread["messages"]]
    return "\n".join([*said, *(f"  fact: {fact}" for fact in thread["facts"])]) + "\n"


def outcome_as_json(spoken: Sequence[Spoken], held: Mapping[str, Json | None], judged: Mapping[str, bool]) -> str:
    turns = [
        {"speaker": each.line.speaker, "thread": each.line.thread, "message": each.line.text, "answer": each.answer}
        for each in spoken
    ]
    document = {"turns": turns, "zep": held, "verdicts": judged, "passed": all(judged.values())}
    return json.dumps(document, ensure_ascii=False, indent=2)


if __name__ == "__main__":
    sys.exit(main())
