"""Where facts surface: with the user in every thread, never with anybody else."""

import asyncio
from pathlib import Path

from zep_python.client import AsyncZep

from ops.waiting import PATIENCE_SECONDS
from ops.zep_standin.process import StandIn
from tests.ops.zep_standin.conftest import Say

TWO = "The user is looking for a property with 2 bedrooms."
THREE = "The user is looking for a property with 3 bedrooms."


async def facts_of(zep: AsyncZep, session_id: str) -> list[str | None]:
    return [fact.fact for fact in (await zep.memory.get(session_id)).relevant_facts or []]


async def thread_of(zep: AsyncZep, session_id: str, user_id: str) -> None:
    await zep.memory.add_session(session_id=session_id, user_id=user_id)


async def two_users(zep: AsyncZep) -> None:
    for user_id in ("u1", "u2"):
        await zep.user.add(user_id=user_id)
        await thread_of(zep, f"{user_id}-a", user_id)
        await thread_of(zep, f"{user_id}-b", user_id)


async def test_facts_reach_the_users_other_threads(zep: AsyncZep, say: Say) -> None:
    await two_users(zep)

    await zep.memory.add("u1-a", messages=[say("I want 2 bedrooms")])

    assert await facts_of(zep, "u1-b") == [TWO]


async def test_facts_never_reach_another_user(zep: AsyncZep, say: Say) -> None:
    await two_users(zep)

    await zep.memory.add("u1-a", messages=[say("I want 2 bedrooms")])

    assert await facts_of(zep, "u2-a") == []
    assert (await zep.memory.search_sessions(text="bedrooms", user_id="u2")).results == []


async def test_a_user_named_like_a_session_shares_nothing_with_it(zep: AsyncZep, say: Say) -> None:
    await zep.memory.add("u1", messages=[say("I want 2 bedrooms")])
    await two_users(zep)

    assert await facts_of(zep, "u1-a") == []


async def test_a_session_without_a_user_has_its_own_facts_only(zep: AsyncZep, say: Say) -> None:
    await zep.memory.add("alone", messages=[say("I want 2 bedrooms")])
    await zep.memory.add("other", messages=[say("Hello")])

    assert await facts_of(zep, "alone") == [TWO]
    assert await facts_of(zep, "other") == []


async def test_a_later_statement_replaces_the_earlier(zep: AsyncZep, say: Say) -> None:
    await zep.memory.add("s1", messages=[say("I want 2 bedrooms"), say("No: 3 bedrooms")])

    assert await facts_of(zep, "s1") == [THREE]


async def test_only_what_users_say_becomes_a_fact(zep: AsyncZep, say: Say) -> None:
    await zep.memory.add("s1", messages=[say("Do you want 2 bedrooms?", role_type="assistant")])

    assert await facts_of(zep, "s1") == []


async def test_search_puts_the_nearest_fact_first_and_obeys_its_limit(zep: AsyncZep, say: Say) -> None:
    await two_users(zep)
    await zep.memory.add("u1-a", messages=[say("2 bedrooms in Girne up to 700 GBP")])

    found = await zep.memory.search_sessions(text="what is my budget?", user_id="u1", limit=1)

    facts = [result.fact.fact for result in found.results or [] if result.fact]
    assert facts == ["The user's budget is up to 700 GBP."]


async def test_deleting_memory_leaves_the_users_facts(zep: AsyncZep, say: Say) -> None:
    await two_users(zep)
    await zep.memory.add("u1-a", messages=[say("I want 2 bedrooms")])

    await zep.memory.delete("u1-a")

    assert await facts_of(zep, "u1-b") == [TWO]


async def test_a_user_who_comes_back_after_deletion_is_unknown(zep: AsyncZep, say: Say) -> None:
    await two_users(zep)
    await zep.memory.add("u1-a", messages=[say("I want 2 bedrooms")])
    await zep.user.delete("u1")

    await zep.user.add(user_id="u1")
    await thread_of(zep, "u1-a", "u1")

    assert await facts_of(zep, "u1-a") == []


async def test_a_thread_shows_its_facts_to_the_operator(zep: AsyncZep, standin: StandIn, say: Say) -> None:
    await zep.memory.add("s1", messages=[say("I want 2 bedrooms")])

    assert standin.thread("s1").facts == [TWO]


async def test_late_facts_appear_after_their_delay_and_not_before(tmp_path: Path, say: Say) -> None:
    with StandIn(tmp_path / "zep.sqlite3", fact_delay_ms=700) as late:
        zep = AsyncZep(base_url=late.url, api_key=late.api_key, timeout=PATIENCE_SECONDS)
        started = asyncio.get_running_loop().time()
        await zep.memory.add("s1", messages=[say("I want 2 bedrooms")])
        assert await facts_of(zep, "s1") == []
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await facts_of(zep, "s1"):
                pass

        assert asyncio.get_running_loop().time() - started >= 0.7
