"""What stands for threads in logs and names of files: nothing that a user chose."""

import re
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings

from assistant import opaque

NAMES = ("ayse-yilmaz", "ayse-gmail-com", "mehmet_oz_1985-03-02", "TC12345678901", "passport-U1234567", "t1")


@pytest.mark.parametrize(
    "chosen",
    [
        *NAMES,
        "19850302-1234-1234-1234-123456789012",  # of the shape of a UUID, and not made as one
        "ABCDEF01-2345-4789-8ABC-DEF012345678",
        "",
    ],
)
def test_what_a_user_chose_is_not_said(chosen: str) -> None:
    stand_in = opaque.name_of(chosen)

    assert re.fullmatch(r"t-[0-9a-f]{24}", stand_in)
    assert opaque.stand_ins(opaque.digest_of(chosen)) == [stand_in]


def test_an_id_that_the_server_made_stands_for_itself() -> None:
    made = str(uuid4())

    assert opaque.name_of(made) == made


def test_each_thread_has_one_of_its_own() -> None:
    assert len({opaque.name_of(name) for name in NAMES}) == len(NAMES)
    assert opaque.name_of("t1") == opaque.name_of("t1")


def test_it_cannot_be_guessed_without_the_key_and_earlier_keys_are_known(settings: Settings) -> None:
    earlier, settings.SECRET_KEY_FALLBACKS = opaque.name_of("ayse-yilmaz"), [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"

    assert opaque.name_of("ayse-yilmaz") != earlier
    assert opaque.stand_ins(opaque.digest_of("ayse-yilmaz")) == [opaque.name_of("ayse-yilmaz"), earlier]
