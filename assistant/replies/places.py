"""The gazetteer: places of Northern Cyprus, what people call them and what lies next to them; knows no listings."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A town or district; `aliases` are folded (see `text.fold`), `near` is nearest first."""

    name: str
    english: str
    aliases: tuple[str, ...]
    near: tuple[str, ...]


PLACES: tuple[Place, ...] = (
    Place(
        "Girne",
        "Kyrenia",
        ("girne", "kyrenia", "kirenia", "kyrinia", "keryneia", "girna", "grine"),
        ("Karaoğlanoğlu", "Ozanköy", "Bellapais", "Çatalköy", "Alsancak"),
    ),
    Place(
        "Lefkoşa",
        "Nicosia",
        ("lefkosa", "lefkosha", "nicosia", "nikosia", "lefkosia"),
        ("Gönyeli", "Girne", "Güzelyurt"),
    ),
    Place(
        "Gazimağusa",
        "Famagusta",
        (
            "gazimagusa",
            "gazi magusa",
            "g.magusa",
            "g. magusa",
            "magusa",
            "magosa",
            "gazimagosa",
            "famagusta",
            "famagousta",
        ),
        ("Yeniboğaziçi", "Long Beach", "İskele"),
    ),
    Place("İskele", "Trikomo", ("iskele", "trikomo"), ("Long Beach", "Boğaz", "Yeniboğaziçi", "Gazimağusa")),
    Place("Long Beach", "", ("long beach", "longbeach", "long-beach"), ("İskele", "Boğaz", "Gazimağusa")),
    Place("Boğaz", "", ("bogaz", "bogazi"), ("İskele", "Long Beach", "Bafra")),
    Place("Bafra", "Vokolida", ("bafra", "vokolida"), ("Boğaz", "İskele", "Karpaz")),
    Place("Yeniboğaziçi", "", ("yenibogazici", "yeni bogazici"), ("Gazimağusa", "İskele", "Long Beach")),
    Place("Çatalköy", "", ("catalkoy", "catal koy"), ("Ozanköy", "Girne", "Esentepe")),
    Place("Ozanköy", "", ("ozankoy", "ozan koy"), ("Bellapais", "Çatalköy", "Girne")),
    Place("Bellapais", "", ("bellapais", "bellapaix", "beylerbeyi"), ("Ozanköy", "Girne", "Çatalköy")),
    Place("Karaoğlanoğlu", "", ("karaoglanoglu",), ("Girne", "Alsancak")),
    Place("Alsancak", "Karavas", ("alsancak", "karavas"), ("Lapta", "Karaoğlanoğlu", "Girne")),
    Place("Lapta", "Lapithos", ("lapta", "lapithos"), ("Alsancak", "Karşıyaka", "Girne")),
    Place("Karşıyaka", "Vasilia", ("karsiyaka", "vasilia"), ("Lapta", "Alsancak")),
    Place("Esentepe", "", ("esentepe", "esen tepe"), ("Bahçeli", "Çatalköy", "Tatlısu")),
    Place("Bahçeli", "", ("bahceli",), ("Esentepe", "Tatlısu", "Çatalköy")),
    Place("Tatlısu", "", ("tatlisu",), ("Bahçeli", "Esentepe", "Boğaz")),
    Place("Karpaz", "Karpas", ("karpaz", "karpas", "dipkarpaz", "karpasia"), ("Bafra", "Boğaz", "İskele")),
    Place("Güzelyurt", "Morphou", ("guzelyurt", "morphou", "morfou"), ("Lefke", "Lefkoşa")),
    Place("Lefke", "Lefka", ("lefke", "lefka"), ("Güzelyurt", "Lefkoşa")),
    Place("Gönyeli", "", ("gonyeli",), ("Lefkoşa", "Girne")),
)

BY_NAME: dict[str, Place] = {place.name: place for place in PLACES}
BY_ALIAS: dict[str, str] = {alias: place.name for place in PLACES for alias in place.aliases}

ELSEWHERE = re.compile(
    r"\b(?:paphos|pafos|limassol|limasol|larnaca|larnaka|ayia napa|protaras|istanbul|ankara|izmir"
    r"|antalya|london"
    r"|londra)\b"
)
"""Places people do ask about that are not in Northern Cyprus."""

_SUFFIX = (
    r"(?:'s|'?(?:de|da|te|ta|den|dan|ten|tan|deki|daki|teki|taki|ye|ya|yi|yu|nin|nun|li|lu|si|ne"
    r"|e|a|i|u|in|un))?"
)
_NAMES = "|".join(re.escape(alias) for alias in sorted(BY_ALIAS, key=len, reverse=True))
PLACE_PATTERN = re.compile(rf"(?<![\w@])(?P<name>{_NAMES})(?P<suffix>{_SUFFIX})(?![\w@])(?! agri)")
"""A place in folded text, with the Turkish case endings people attach to it (the throat that aches is no place)."""


def neighbours(name: str) -> tuple[str, ...]:
    """Return the places next to `name`, nearest first."""
    place = BY_NAME.get(name)
    return place.near if place else ()


def in_both_names(name: str) -> str:
    """Return `Girne (Kyrenia)` where a second name is in use."""
    place = BY_NAME.get(name)
    return f"{name} ({place.english})" if place and place.english else name
