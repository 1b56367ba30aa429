"""Whole conversations: routing, stickiness, memory, corrections, relaxations and language."""

import json

import pytest

from assistant.replies import Conversation, ListingSource, MemoryListings, PastMessage, Reply, compose
from tests.replies.conversations import LISTINGS, RETURNING, Talk, assumed, recommended, searched


@pytest.mark.parametrize(
    ("said", "agent"),
    [
        ("need a 2 bedroom", "real_estate"),
        ("Girne'de kiralık daire arıyorum", "real_estate"),
        ("under 700 gbp", "real_estate"),
        ("show me some homes", "real_estate"),
        ("2 bedroom flat near the hospital in girne", "real_estate"),
        ("is there a 3 bedroom near the beach", "real_estate"),
        ("land for sale", "real_estate"),
        ("is there a hospital in girne?", "local_info"),
        ("which hospital is close to my apartment?", "local_info"),
        ("nöbetçi eczane nerede?", "local_info"),
        ("how do I get a residence permit", "local_info"),
        ("ikamet izni nasıl alınır", "local_info"),
        ("where can I rent a car", "local_info"),
        ("kiralık araba lazım", "local_info"),
        ("what documents do I need to rent a flat", "local_info"),
        ("dolmuş saatleri", "local_info"),
        ("KIB-TEK", "local_info"),
        ("where do I pay electricity for my 2 bedroom flat", "local_info"),
        ("do they drive on the left?", "local_info"),
        ("call an ambulance", "local_info"),
        ("I want to rent out my flat", "local_info"),
        ("hello", "general"),
        ("merhaba", "general"),
        ("thanks", "general"),
        ("who are you?", "general"),
        ("help", "general"),
        ("what do you remember about me?", "general"),
        ("delete my data", "general"),
        ("asdfgh", "general"),
        ("", "general"),
        ("paphos", "general"),
    ],
)
def test_a_first_message_is_routed_to_its_agent(said: str, agent: str) -> None:
    assert Talk().say(said).agent == agent


def test_three_short_messages_build_one_search() -> None:
    found = recommended(Talk().say("need a 2 bedroom", "in girne", "under 700 gbp"))
    assert {(home["bedrooms"], home["place"], home["tenure"]) for home in found} == {(2, "Girne", "rent")}


def test_the_budget_is_kept_to() -> None:
    found = recommended(Talk().say("need a 2 bedroom", "in girne", "under 700 gbp"))
    assert all(int(str(home["price_gbp"])) <= 700 for home in found)


@pytest.mark.parametrize(
    "follow_up",
    ["in lefkosa", "what about lefkosa", "under 700 gbp", "cheaper?", "yes", "more", "3+1", "mağusada", "700"],
)
def test_a_follow_up_stays_with_the_search(follow_up: str) -> None:
    assert Talk().say("need a 2 bedroom", "in girne", follow_up).agent == "real_estate"


def test_a_follow_up_about_another_town_stays_with_local_info() -> None:
    reply = Talk().say("where is the hospital in girne?", "and in lefke?")
    assert reply.agent == "local_info"


@pytest.mark.parametrize(
    "hand_off",
    [
        "talk about something else",
        "let's talk about something else please",
        "stop looking for flats",
        "I'm no longer looking for a flat",
        "başka bir şey konuşalım",
        "konuyu değiştirelim",
        "change the subject",
    ],
)
def test_a_hand_off_goes_to_the_general_agent(hand_off: str) -> None:
    assert Talk().say("need a 2 bedroom", "in girne", hand_off).agent == "general"


def test_after_a_hand_off_a_place_is_not_a_search() -> None:
    assert Talk().say("need a 2 bedroom", "talk about something else", "in girne").agent == "general"


def test_after_a_hand_off_slots_start_anew() -> None:
    reply = Talk().say("2 bedrooms under 700 gbp in girne", "talk about something else", "3 bedrooms in lefke")
    assert searched(reply) == {"bedrooms": 3, "place": "Lefke"}


def test_after_a_hand_off_facts_are_not_assumed() -> None:
    reply = Talk(RETURNING).say("hi", "talk about something else", "3 bedrooms")
    assert assumed(reply) == {}


def test_a_remembered_search_can_be_resumed_after_a_hand_off() -> None:
    reply = Talk(RETURNING).say("hi", "talk about something else", "continue my search")
    assert searched(reply)["place"] == "Girne"


def test_leaving_villas_for_flats_is_no_hand_off() -> None:
    reply = Talk().say("3 bedroom villa in girne", "I am not looking for a villa, I want a flat")
    assert (searched(reply)["kind"], searched(reply)["bedrooms"]) == ("apartment", 3)


def test_a_local_question_does_not_disturb_the_search() -> None:
    reply = Talk().say("2 bedroom in girne", "is there a hospital in lefkoşa?", "under 700 gbp")
    assert (reply.agent, searched(reply)["place"]) == ("real_estate", "Girne")


def test_a_place_after_a_local_question_resumes_the_search() -> None:
    reply = Talk().say("2 bedroom in girne", "how do I get a residence permit?", "in lefkosa")
    assert searched(reply) == {"bedrooms": 2, "place": "Lefkoşa"}


def test_more_after_a_local_answer_shows_more_homes() -> None:
    assert Talk().say("need a 2 bedroom", "is the electricity expensive?", "ok show me more").agent == "real_estate"


def test_tell_me_more_after_a_local_answer_stays_with_it() -> None:
    assert Talk().say("need a 2 bedroom", "is the electricity expensive?", "tell me more").agent == "local_info"


def test_only_what_was_really_relaxed_is_named() -> None:
    reply = Talk().say("unfurnished studio to rent in girne")
    assert (reply.rich or {})["relaxed"] == ["furnished"]


def test_starting_over_forgets_the_search() -> None:
    assert searched(Talk(RETURNING).say("hi", "yes", "start over, 3 bedrooms")) == {"bedrooms": 3}


def test_a_returning_user_is_remembered_in_a_new_thread() -> None:
    reply = Talk(RETURNING).say("show me some homes")
    assert searched(reply) == {"bedrooms": 2, "place": "Girne", "tenure": "rent", "max_price_gbp": 700}


def test_what_was_assumed_is_said() -> None:
    text = Talk(["User wants 2 bedrooms in Girne"]).say("under 700 gbp").text
    assert "I remembered from before: 2 bedrooms, Girne. Tell me if that has changed." in text


def test_what_was_assumed_is_machine_readable() -> None:
    assert assumed(Talk(["User wants 2 bedrooms in Girne"]).say("under 700 gbp")) == {"bedrooms": 2, "place": "Girne"}


def test_what_is_said_now_overrides_what_is_remembered() -> None:
    reply = Talk(RETURNING).say("3 bedrooms in lefkoşa")
    assert (searched(reply)["bedrooms"], searched(reply)["place"]) == (3, "Lefkoşa")


def test_what_is_said_now_is_not_called_remembered() -> None:
    assert set(assumed(Talk(RETURNING).say("3 bedrooms in lefkoşa"))) == {"tenure", "max_price_gbp"}


def test_the_same_assumption_is_announced_once_in_a_thread() -> None:
    assert "I remembered" not in Talk(RETURNING).say("hi", "yes", "in lefkoşa").text


def test_an_assumption_newly_used_is_announced() -> None:
    talk = Talk(["User wants 2 bedrooms"])
    talk.say("in girne")
    talk.facts = ["User wants 2 bedrooms", "User's budget is up to 700 GBP"]
    assert "I remembered from before: up to £700 a month." in talk.say("furnished").text


def test_a_correction_holds_for_the_rest_of_the_thread() -> None:
    assert searched(Talk(RETURNING).say("hi", "yes", "no, 3 bedrooms", "in lefkoşa"))["bedrooms"] == 3


def test_a_slot_waved_aside_is_not_remembered_again() -> None:
    assert "place" not in searched(Talk(RETURNING).say("hi", "yes", "any area", "3 bedrooms"))


def test_recent_turns_override_facts() -> None:
    assert searched(Talk(["User wants 4 bedrooms"]).say("2 bedrooms", "in girne"))["bedrooms"] == 2


def test_a_greeting_offers_to_continue_the_remembered_search() -> None:
    reply = Talk(RETURNING).say("hi")
    assert "2 bedrooms, to rent, Girne, up to £700 a month" in reply.text
    assert "Shall I continue" in reply.text


def test_accepting_the_offer_runs_the_remembered_search() -> None:
    reply = Talk(RETURNING).say("hi", "yes please")
    assert {home["place"] for home in recommended(reply)} == {"Girne"}


def test_declining_the_offer_releases_the_remembered_search() -> None:
    assert searched(Talk(RETURNING).say("hi", "no thanks", "need a 3 bedroom")) == {"bedrooms": 3}


def test_a_greeting_without_facts_offers_nothing() -> None:
    assert "remember" not in Talk().say("hi").text


def test_what_is_remembered_is_told_from_facts() -> None:
    assert "User wants to rent in Kyrenia" in Talk(RETURNING).say("what do you remember about me?").text


def test_remembering_nothing_is_admitted() -> None:
    assert "do not remember anything" in Talk().say("what do you remember about me?").text


def test_contacts_in_facts_are_not_told() -> None:
    text = Talk(["Write to ada@example.com or +90 533 867 12 34"]).say("what do you know about me?").text
    assert "ada@" not in text
    assert "867" not in text


@pytest.mark.parametrize(
    "said", ["2 bedroom, ada@example.com", "ada@example.com", "hello, +90 533 867 12 34", "in girne 05338671234"]
)
def test_contacts_are_never_echoed(said: str) -> None:
    text = Talk().say(said).text
    assert "ada@" not in text
    assert "867" not in text


def test_a_broad_search_asks_for_the_area_first() -> None:
    assert Talk().say("need a 2 bedroom").text.endswith("Which area would you like?")


def test_a_slot_waved_aside_is_not_asked_for() -> None:
    assert "Which area" not in Talk().say("need a 2 bedroom", "any area").text


def test_homes_are_recommended_once_bedrooms_are_known() -> None:
    assert len(recommended(Talk().say("need a 2 bedroom"))) == 5


def test_nothing_is_recommended_before_place_or_bedrooms() -> None:
    assert recommended(Talk().say("I want to buy")) == []


def test_a_bare_number_answers_the_question_about_the_budget() -> None:
    reply = Talk().say("2 bedroom to rent in girne", "700")
    assert searched(reply)["max_price_gbp"] == 700


def test_a_budget_question_of_another_wording_is_answered_by_a_number() -> None:
    recent = (
        PastMessage("user", "3 bed in Lapta"),
        PastMessage("assistant", "Nice. What's your budget?", "real_estate"),
    )
    assert searched(compose("900", recent=recent, facts=(), listings=LISTINGS))["max_price_gbp"] == 900


def test_a_small_bare_number_corrects_the_bedrooms() -> None:
    assert searched(Talk().say("2 bedroom in girne", "no, 3"))["bedrooms"] == 3


def test_more_shows_others() -> None:
    talk = Talk()
    first = {home["reference"] for home in recommended(talk.say("need a 2 bedroom"))}
    second = {home["reference"] for home in recommended(talk.say("show me more"))}
    assert second
    assert not first & second


def test_more_ends_honestly() -> None:
    assert "everything I have" in Talk().say("1 bedroom to rent in girne under 500 gbp", *["more"] * 8).text


def test_cheaper_is_cheaper() -> None:
    talk = Talk()
    dearest = min(int(str(home["price_gbp"])) for home in recommended(talk.say("2 bedroom to rent in lefkoşa")))
    assert all(int(str(home["price_gbp"])) < dearest for home in recommended(talk.say("anything cheaper?")))


def test_a_reply_that_stretched_the_search_says_so() -> None:
    reply = Talk().say("2 bedroom to rent in girne under 560 gbp")
    assert (reply.rich or {})["relaxed"] == ["budget"]
    assert "15% over the budget" in reply.text


def test_a_reply_that_looked_nearby_says_so() -> None:
    assert "neighbouring areas" in Talk().say("1 bedroom to rent in alsancak").text


def test_an_exact_answer_claims_no_stretch() -> None:
    assert "Nothing matches exactly" not in Talk().say("2 bedroom to rent in girne").text


def test_an_approximate_rate_is_called_approximate() -> None:
    assert "approximate rate" in Talk().say("2 bedroom in girne under 800 euro").text


def test_land_is_said_to_be_out_of_scope() -> None:
    assert "only know homes" in Talk().say("land for sale in girne").text


def test_a_listing_can_be_asked_about_by_its_place_in_the_list() -> None:
    talk = Talk()
    second = recommended(talk.say("need a 2 bedroom"))[1]
    assert recommended(talk.say("tell me about the second one"))[0]["reference"] == second["reference"]


def test_an_unknown_reference_is_admitted() -> None:
    assert "cannot find" in Talk().say("EI-20200101-9999").text


@pytest.mark.parametrize(
    ("messages", "start"),
    [
        (("Girne'de 2+1 kiralık daire arıyorum",), "Aramanız"),
        (("Girne'de 2+1 kiralık daire arıyorum", "lefkoşa"), "Aramanız"),
        (("Girne'de 2+1 kiralık daire arıyorum", "700"), "Aramanız"),
        (("girnede",), "Girne (Kyrenia): orada"),
        (("need a 2 bedroom", "Lefkoşa"), "Your search"),
        (("need a 2 bedroom", "mağusada olsun"), "Aramanız"),
        (("merhaba",), "Merhaba"),
        (("hello",), "Hello"),
        (("Lefkoşa",), "Lefkoşa (Nicosia): are you"),
    ],
)
def test_the_reply_is_in_the_language_of_the_user(messages: tuple[str, ...], start: str) -> None:
    assert Talk().say(*messages).text.startswith(start)


def test_memory_is_announced_in_turkish_to_a_turkish_speaker() -> None:
    assert "Daha önceden hatırladıklarım: 2 yatak odalı" in Talk(RETURNING).say("kiralık daire arıyorum").text


def test_official_matters_are_to_be_verified() -> None:
    assert "confirm with the authority" in Talk().say("how do I get a residence permit?").text


def test_rich_is_json_and_complete() -> None:
    reply = Talk(RETURNING).say("show me some homes")
    keys = {
        "reference",
        "title",
        "place",
        "kind",
        "tenure",
        "bedrooms",
        "price_gbp",
        "price_text",
        "area_m2",
        "furnished",
    }
    assert all(set(home) == keys for home in json.loads(json.dumps(reply.rich))["recommendations"])


def test_references_are_in_the_text() -> None:
    reply = Talk().say("need a 2 bedroom")
    assert all(str(home["reference"]) in reply.text for home in recommended(reply))


def test_the_message_being_answered_may_already_be_in_recent() -> None:
    recent = (PastMessage("user", "need a 2 bedroom"), PastMessage("assistant", "Which area?", "real_estate"))
    echoed = (*recent, PastMessage("user", "in girne"))
    alone = compose("in girne", recent=recent, facts=(), listings=LISTINGS)
    assert compose("in girne", recent=echoed, facts=(), listings=LISTINGS) == alone


def test_agents_missing_from_recent_do_not_lose_the_search() -> None:
    recent = (PastMessage("user", "need a 2 bedroom"), PastMessage("assistant", "Which area?"))
    assert searched(compose("in girne", recent=recent, facts=(), listings=LISTINGS)) == {
        "bedrooms": 2,
        "place": "Girne",
    }


def test_no_listings_at_all_is_an_honest_answer() -> None:
    reply = compose("2 bedroom in girne", recent=(), facts=(), listings=MemoryListings(()))
    assert "I have nothing like that" in reply.text


class Parrot:
    """An engine of another kind."""

    def reply(self, conversation: Conversation, listings: ListingSource) -> Reply:
        return Reply(f"{conversation.said} ({len(conversation.facts)})", "general")


def test_another_engine_can_take_the_place_of_the_rules() -> None:
    assert compose("hi", recent=(), facts=["a"], listings=LISTINGS, engine=Parrot()).text == "hi (1)"
