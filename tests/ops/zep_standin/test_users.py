"""Users, driven by the real client library."""

import pytest
from zep_python import NotFoundError
from zep_python.client import AsyncZep
from zep_python.core.api_error import ApiError

from ops.zep_standin.process import StandIn
from tests.ops.zep_standin.conftest import Say


async def test_a_user_is_created_and_read_back(zep: AsyncZep) -> None:
    created = await zep.user.add(user_id="u1", email="a@b.c", first_name="A", metadata={"k": 1})

    assert await zep.user.get("u1") == created
    assert (created.user_id, created.email, created.metadata) == ("u1", "a@b.c", {"k": 1})


async def test_a_second_user_of_the_same_id_is_refused(zep: AsyncZep) -> None:
    await zep.user.add(user_id="u1")

    with pytest.raises(ApiError) as refused:
        await zep.user.add(user_id="u1")

    assert refused.value.status_code == 400
    assert "user already exists with user_id: u1" in str(refused.value.body)


async def test_an_unknown_user_is_not_found(zep: AsyncZep) -> None:
    with pytest.raises(NotFoundError) as refused:
        await zep.user.get("nobody")

    assert refused.value.body.message == "not found"


async def test_changing_a_user_keeps_what_is_not_named_and_merges_metadata(zep: AsyncZep) -> None:
    await zep.user.add(user_id="u1", email="a@b.c", metadata={"a": 1, "deep": {"x": 1}})

    changed = await zep.user.update("u1", first_name="B", metadata={"deep": {"y": 2}})

    assert (changed.email, changed.first_name) == ("a@b.c", "B")
    assert changed.metadata == {"a": 1, "deep": {"x": 1, "y": 2}}


async def test_deleting_a_user_deletes_sessions_messages_and_facts(zep: AsyncZep, standin: StandIn, say: Say) -> None:
    await zep.user.add(user_id="u1")
    await zep.memory.add_session(session_id="s1", user_id="u1")
    await zep.memory.add("s1", messages=[say("I want 2 bedrooms")])

    assert (await zep.user.delete("u1")).message == "OK"

    assert not standin.thread("s1").exists
    with pytest.raises(NotFoundError):
        await zep.user.get("u1")
    assert (await zep.memory.search_sessions(text="bedrooms", user_id="u1")).results == []


async def test_deleting_an_unknown_user_is_not_found(zep: AsyncZep) -> None:
    with pytest.raises(NotFoundError):
        await zep.user.delete("nobody")


async def test_users_are_listed_in_pages_in_the_order_of_creation(zep: AsyncZep) -> None:
    for number in range(5):
        await zep.user.add(user_id=f"u{number}")

    page = await zep.user.list_ordered(page_number=2, page_size=2)

    assert [user.user_id for user in page.users or []] == ["u2", "u3"]
    assert (page.total_count, page.row_count) == (5, 2)
