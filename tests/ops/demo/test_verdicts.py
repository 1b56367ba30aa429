"""The demonstration notices what it promises to notice."""

import pytest

from ops.demo import script
from ops.demo.verdicts import Json, Spoken, on_memory, on_zep


def spoken(line: script.Line, *, facts: int = 0) -> Spoken:
    name = f"{line.speaker}-{line.thread}-{line.text}"
    answer = {
        "thread_id": f"{line.speaker}-{line.thread}",
        "client_msg_id": f"{name}-said",
        "reply": {"client_msg_id": f"{name}-replied"},
        "trace": {"memory": {"facts_count": facts}},
    }
    return Spoken(line, answer)


TURN = spoken(script.Line("ayse", "first", "hello"))
SAID, REPLIED = TURN.message_ids


def holding(*ids: str, content: str = "hello") -> dict[str, Json | None]:
    messages = [{"metadata": {"client_msg_id": each}, "content": content} for each in ids]
    return {TURN.thread_id: {"messages": messages, "facts": []}}


def test_one_copy_of_each_in_order_passes() -> None:
    assert all(on_zep([TURN], holding(SAID, REPLIED)).values())


@pytest.mark.parametrize("ids", [(), (SAID,), (REPLIED, SAID), (SAID, SAID, REPLIED)])
def test_missing_swapped_and_doubled_messages_fail(ids: tuple[str, ...]) -> None:
    assert not all(on_zep([TURN], holding(*ids)).values())


def test_an_empty_zep_fails() -> None:
    assert not all(on_zep([TURN], {TURN.thread_id: None}).values())


@pytest.mark.parametrize("leak", [script.PHONE, script.EMAIL, script.PHONE.replace(" ", "-"), "+90 533 123 45 67"])
def test_personal_data_at_zep_fails_however_it_is_written(leak: str) -> None:
    assert not all(on_zep([TURN], holding(SAID, REPLIED, content=f"call {leak}")).values())


@pytest.mark.parametrize(("returning", "stranger", "good"), [(3, 0, True), (0, 0, False), (3, 1, False)])
def test_memory_belongs_to_the_one_who_spoke(returning: int, stranger: int, good: bool) -> None:
    turns = [
        spoken(line, facts=stranger if line.speaker == script.DENIZ else returning if line.thread == "later" else 0)
        for line in script.SCRIPT
    ]

    assert all(on_memory(turns).values()) is good
