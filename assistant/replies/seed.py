"""The seed of listings: the same homes on every machine, plausible in place, size and price; reads no clock.

Listing n depends on n alone, so a longer seed starts with the shorter one.
"""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import cycle, islice, product

from assistant.replies.values import Listing

FIRST_DAY = date(2025, 9, 1)
"""Day of the first listing; with `DAYS` it gives the references their dates."""

DAYS = 90
SEED = "easy-islanders"

MONTHLY_RENT_GBP: dict[str, tuple[int, int, int, int, int]] = {
    "Girne": (400, 480, 620, 900, 1_400),
    "Lefkoşa": (320, 400, 500, 650, 950),
    "Gazimağusa": (300, 380, 470, 620, 900),
    "İskele": (340, 420, 540, 700, 1_000),
    "Long Beach": (370, 450, 600, 800, 1_150),
    "Alsancak": (380, 450, 580, 850, 1_250),
    "Lapta": (340, 420, 540, 760, 1_100),
    "Çatalköy": (390, 470, 620, 920, 1_400),
    "Esentepe": (360, 440, 560, 780, 1_150),
    "Güzelyurt": (240, 300, 380, 480, 650),
    "Lefke": (220, 280, 350, 440, 600),
    "Boğaz": (330, 400, 500, 680, 950),
    "Karpaz": (250, 310, 390, 520, 700),
    "Gönyeli": (310, 390, 480, 620, 880),
    "Yeniboğaziçi": (300, 370, 460, 620, 850),
}
"""A usual monthly rent per place for a studio, and for one to four bedrooms."""

MONTHS_OF_RENT_IN_A_PRICE = 190
KINDS: tuple[tuple[str, ...], ...] = (
    ("studio",),
    ("apartment", "apartment", "apartment", "penthouse"),
    ("apartment", "apartment", "bungalow", "penthouse"),
    ("apartment", "villa", "house"),
    ("villa", "villa", "house"),
)
KIND_FACTOR = {"studio": 1.0, "apartment": 0.95, "penthouse": 1.15, "bungalow": 1.05, "house": 1.1, "villa": 1.3}
AREA_M2 = (38, 58, 85, 125, 190)
MOST_FURNISHED_SHARE = {"rent": 0.8, "sale": 0.35}
FEATURES = (
    "a sea view",
    "a mountain view",
    "a shared pool",
    "a large balcony",
    "covered parking",
    "a roof terrace",
    "a small garden",
    "a fitted kitchen",
    "air conditioning in every room",
    "a lift and a generator",
    "fibre internet",
    "new windows",
)
NEVER_INLAND = ("a sea view", "ten minutes from the sea by car")
NEVER_ON_ITS_OWN_GROUND = ("a lift and a generator", "a large balcony")
INLAND = ("Lefkoşa", "Gönyeli", "Güzelyurt")
OWN_GROUND = ("bungalow", "house", "villa")
NEVER_IN_A_FLAT = ("a small garden",)
SURROUNDINGS = (
    "a short walk from shops and cafes",
    "on a quiet street",
    "close to the main road and the bus stop",
    "ten minutes from the sea by car",
    "near schools and a supermarket",
    "in a small, well-kept complex",
)

_MAIN = ("Girne", "Lefkoşa", "Gazimağusa", "İskele")
_OTHERS = tuple(place for place in MONTHLY_RENT_GBP if place not in _MAIN)


@dataclass(frozen=True)
class _Plan:
    place: str
    tenure: str
    bedrooms: int


_CORE: tuple[_Plan, ...] = (
    *(_Plan(*plan) for plan in product(_MAIN, ("rent", "sale"), (1, 2, 3))),
    *(_Plan(*plan) for plan in product(_MAIN, ("rent",), (2, 1, 3))),
    *(_Plan("Girne", "rent", 2) for _ in range(3)),
    *(_Plan(*plan) for plan in product(_OTHERS, ("rent", "sale"), (2,))),
    *(_Plan(*plan) for plan in product(_MAIN, ("rent",), (0,))),
    _Plan("Girne", "sale", 4),
    _Plan("Çatalköy", "rent", 4),
    _Plan("Lefkoşa", "rent", 2),
    _Plan("Girne", "sale", 2),
    _Plan("Gazimağusa", "rent", 2),
    _Plan("İskele", "sale", 2),
    _Plan("Lefkoşa", "sale", 0),
)
_FILL: tuple[_Plan, ...] = tuple(
    _Plan(place, tenure, bedrooms)
    for bedrooms, tenure, place in product((1, 3, 2, 0, 4), ("rent", "sale"), (*_OTHERS, *_MAIN))
)


def generate_listings(count: int = 72) -> list[Listing]:
    """Return `count` listings, always the same: what is asked for most, then every place, tenure and size."""
    plans = islice((*_CORE, *islice(cycle(_FILL), max(0, count - len(_CORE)))), count)
    return [_listing(number, plan) for number, plan in enumerate(plans, start=1)]


def _listing(number: int, plan: _Plan) -> Listing:
    rng = random.Random(f"{SEED}-{number}")  # noqa: S311  # reproducible, and guards nothing
    kind = rng.choice(KINDS[plan.bedrooms])
    size = rng.uniform(0.85, 1.2)
    factor = KIND_FACTOR[kind] * (0.5 + size / 2) * rng.uniform(0.88, 1.1)
    features = rng.sample(_possible(FEATURES, plan.place, kind), 2)
    surroundings = rng.choice(_possible(SURROUNDINGS, plan.place, kind))
    listed = FIRST_DAY + timedelta(days=number * 7 % DAYS)
    return Listing(
        reference=f"EI-{listed:%Y%m%d}-{number:04d}",
        title=_title(plan, kind, features),
        place=plan.place,
        kind=kind,
        tenure=plan.tenure,
        bedrooms=plan.bedrooms,
        price_gbp=_price(MONTHLY_RENT_GBP[plan.place][plan.bedrooms] * factor, plan.tenure),
        area_m2=round(AREA_M2[plan.bedrooms] * size),
        furnished=rng.random() < MOST_FURNISHED_SHARE[plan.tenure],
        description=f"{_sized(plan, kind).capitalize()} with {features[0]} and {features[1]}, {surroundings}.",
    )


def _possible(choices: tuple[str, ...], place: str, kind: str) -> list[str]:
    """Return the choices without a sea view inland, a lift in a bungalow or a garden in a flat."""
    never = NEVER_INLAND if place in INLAND else ()
    unfit = NEVER_ON_ITS_OWN_GROUND if kind in OWN_GROUND else NEVER_IN_A_FLAT
    return [choice for choice in choices if choice not in never + unfit]


def _price(monthly: float, tenure: str) -> int:
    if tenure == "rent":
        return round(monthly / 10) * 10
    return round(monthly * MONTHS_OF_RENT_IN_A_PRICE / 500) * 500


def _title(plan: _Plan, kind: str, features: list[str]) -> str:
    return f"{_sized(plan, kind).capitalize()} in {plan.place} with {features[0]}"


def _sized(plan: _Plan, kind: str) -> str:
    return f"{plan.bedrooms}-bedroom {kind}" if plan.bedrooms else kind
