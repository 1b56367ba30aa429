"""Which digit strings are telephone numbers under a national numbering plan, as `phonenumbers` knows the plans.

Reads the library's metadata (libphonenumber's) with compiled patterns, because parsing each candidate costs a hundred
times more; knows nothing of text.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

from assistant.memory.redaction.patterns import compiled

_LONGEST_COUNTRY_CODE: Final = 3
_WORLD: Final = "001"
# Dialled abroad in place of a plus, beside 00: from North America, from Russia.
_EXIT_CODES: Final = ("011", "810")
_LENGTH_OF_EXIT_CODE: Final = 3
_SHORTEST_ABROAD: Final = 8
# Plans a number with a leading zero may belong to: where our users, their guests and their agents come from.
TRUNK_ZERO_COUNTRIES: Final = (90, 44, 49, 33, 31, 32, 41, 43, 46, 61, 27, 380, 972, 98, 92, 234, 40, 964, 962, 20)


class Plan(NamedTuple):
    """What numbers of one country look like after its country code."""

    any_number: re.Pattern[str]
    mobile: re.Pattern[str]
    lengths: frozenset[int]


class International(NamedTuple):
    """A country code and what follows it."""

    country_code: int
    national: str


@cache
def plan(country_code: int) -> Plan:
    """Return the union of the plans of the regions that share a country code."""
    regions = list(_regions(country_code))
    return Plan(
        compiled("|".join(f"(?:{number})" for number, _, _ in regions)),
        compiled("|".join(f"(?:{mobile})" for _, mobile, _ in regions if mobile) or "(?!)"),
        frozenset(length for _, _, lengths in regions for length in lengths),
    )


def _regions(country_code: int) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    for region in COUNTRY_CODE_TO_REGION_CODE[country_code]:
        if region == _WORLD:
            metadata = PhoneMetadata.metadata_for_nongeo_region(country_code, None)
        else:
            metadata = PhoneMetadata.metadata_for_region(region, None)
        if metadata is None or metadata.general_desc is None:
            continue
        general, mobile = metadata.general_desc, metadata.mobile
        lengths = general.possible_length or (mobile.possible_length if mobile else ())
        yield (
            general.national_number_pattern or "(?!)",
            (mobile.national_number_pattern if mobile else None) or "",
            tuple(lengths),
        )


def international(digits: str) -> International | None:
    """Split digits after a plus into country code and the rest, without a trunk zero people write by habit."""
    for length in range(1, _LONGEST_COUNTRY_CODE + 1):
        code = int(digits[:length] or 0)
        if digits[0] != "0" and code in COUNTRY_CODE_TO_REGION_CODE:
            national = digits[length:]
            if national[:1] == "0" and not plan(code).any_number.fullmatch(national):
                national = national[1:]
            return International(code, national)
    return None


def after_exit_code(digits: str) -> International | None:
    """Split digits after 011 or 810 into country code and the rest, if such a number is assigned."""
    if not digits.startswith(_EXIT_CODES) or len(digits) <= _LENGTH_OF_EXIT_CODE + _SHORTEST_ABROAD:
        return None
    number = international(digits[_LENGTH_OF_EXIT_CODE:])
    return number if number and is_assigned(*number) else None


def is_assigned(country_code: int, national: str) -> bool:
    """Say whether today's plan of the country has such a number."""
    return plan(country_code).any_number.fullmatch(national) is not None


def is_mobile(country_code: int, national: str) -> bool:
    """Say whether today's plan of the country has such a mobile number."""
    return plan(country_code).mobile.fullmatch(national) is not None


def has_length_of(country_code: int, national: str) -> bool:
    """Say whether numbers of the country can be this long, assigned today or not."""
    return len(national) in plan(country_code).lengths


@cache
def _after_zero(length: int) -> re.Pattern[str]:
    plans = (plan(code) for code in TRUNK_ZERO_COUNTRIES)
    return compiled("|".join(plan.any_number.pattern for plan in plans if length in plan.lengths) or "(?!)")


def is_assigned_after_zero(national: str) -> bool:
    """Say whether any of the plans with a trunk zero has this number (given without its zero)."""
    return _after_zero(len(national)).fullmatch(national) is not None


def is_mobile_after_zero(digits: str) -> bool:
    """Say whether digits with their leading zero, or with 00, are a mobile number of any of these plans."""
    if digits.startswith("00"):
        number = international(digits[2:] or "0")
        return number is not None and is_mobile(*number)
    return digits.startswith("0") and any(is_mobile(code, digits[1:]) for code in TRUNK_ZERO_COUNTRIES)
