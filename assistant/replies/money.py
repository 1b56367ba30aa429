"""Amounts of money in folded text: what is a price, which bound it sets, and what it is in pounds.

The rates are fixed and approximate, and replies say so; nothing here asks for today's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from assistant.replies.text import clause_before

GBP_PER_UNIT: dict[str, float] = {"GBP": 1.0, "EUR": 0.86, "USD": 0.76, "TRY": 0.018}
"""Approximate mid rates of late 2025; good enough to search by, not to pay by."""

LEAST_PRICE_GBP = 50
MOST_PRICE_GBP = 20_000_000
WEEKS_PER_MONTH = 52 / 12
_THOUSAND = 1_000
_MILLION = 1_000_000

_CURRENCIES: tuple[tuple[str, str], ...] = (
    ("GBP", r"£|gbp|stg|quid|pound\w{0,3}|paund\w{0,4}|pond\w{0,4}|sterlin\w{0,6}|sterl"),
    ("EUR", r"€|eur|euro\w{0,5}|avro\w{0,5}"),
    ("USD", r"\$|usd|dollars?|dolar\w{0,5}"),
    ("TRY", r"₺|tl|tl'\w{1,4}|try|lira\w{0,5}"),
)
_CURRENCY = "|".join(pattern for _, pattern in _CURRENCIES)
_NUMBER = (
    r"(?:[0-9]{1,3}(?:[.,][0-9]{3}){1,3}|[0-9]{2,3}(?: [0-9]{3}){1,2}"
    r"|[0-9]{1,9}(?:[.,][0-9]{1,2})?)(?![0-9])"
)


def _amount(n: str) -> str:
    return (
        rf"(?:(?P<pre{n}>{_CURRENCY}) ?)?(?P<number{n}>{_NUMBER})"
        rf"(?: ?(?P<times{n}>k|bin|thousand|m|mn|million|milyon)(?:'?(?:den|dan|e|a|i|lik))?(?![a-z0-9]))?"
        rf"(?: ?(?P<post{n}>{_CURRENCY})(?![a-z]))?"
    )


_AMOUNT = re.compile(rf"(?<![\w.,+£€$₺-]){_amount('1')}")
_RANGE = re.compile(rf"(?<![\w.,+£€$₺-]){_amount('1')} ?(?:-|to|and|ile|ve|den|dan) ?{_amount('2')}")

_SOFT = (
    r"(?: ?(?:of|is|are|it|about|around|roughly|approximately|approx\.?|a|the|to|at|:|~|=|budget"
    r"|price|rent))*"
)
_SAYS_MOST = re.compile(
    r"(?:\b(?:under|below|less than|lower than|cheaper than|up ?to|max|maximum|at most|(?:no|not"
    r"|never) (?:more|over|above|higher)"
    r"(?: than)?|not exceed(?:ing)?|within|budgets?|afford|spend|spending|pay|paying|limit|en fazla"
    r"|en cok|maksimum"
    r"|azami|butce\w{0,6}|around|roughly|approximately|approx|aylik|ayda|monthly|kirasi|fiyati?)|<|~)"
    rf"{_SOFT} ?$"
)
_SAYS_LEAST = re.compile(
    rf"(?:\b(?:over|above|more than|at least|min|minimum|from|starting (?:at|from)|upwards of|en az"
    rf"|asgari)|>){_SOFT} ?$"
)
_REFUSES = re.compile(r"\b(?:don'?t|do not|doesn'?t|does not|can'?t|cannot|can not|not|won'?t|never)\b")
_MOST_FOLLOWS = re.compile(
    r"^ ?'?(?:y?[ea] )?(?:kadar|alti\w{0,5}|gecmesin|max\b|maximum|maksimum|or (?:less|under|below)"
    r"|tops|at most|civari\w{0,3})"
)
_LEAST_FOLLOWS = re.compile(
    r"^ ?'?(?:ve )?(?:ustu\w{0,5}|uzeri\w{0,5}|or (?:more|above|over)|and (?:up|above)|minimum|\+)"
)
_PERIOD = re.compile(r"^ ?(?:/|a |per |each |every )?(?:months?|pcm|pm|mo|monthly|ay|ayda|aylik|kira)\b")
_WEEKLY = re.compile(r"^ ?(?:/|a |per |each |every )?(?:week|pw|weekly|haftalik|haftada)\b")
_OTHER_MONEY = re.compile(
    r"\b(?:deposit|depozito\w{0,4}|bills?|fatura\w{0,6}|salary|maas\w{0,5}|earns?|earning|income"
    r"|commission|komisyon|fee|fees|fine"
    r"|ceza|tax|vergi|aidat|rate|kur)\b[^.;,]{0,25}$"
)
_BETWEEN = re.compile(r"\b(?:between|from|range|aralig\w{1,4}) (?:of )?$")
_AMONG = re.compile(r"^ ?'?\w{0,4} ?(?:aras\w{1,6}|range)")
_DENIED = re.compile(r"\bnot (?:for )?$")
CHANGED_FROM = re.compile(
    r"\b(?:chang|increas|rais|mov|went|lower|reduc|decreas|updat|switch|bump|goes|gone)\w{0,4}\b[^.;]{0,40}$"
)
_TRAIL = 24


@dataclass(frozen=True)
class Price:
    """A bound or two on the price, in pounds; `monthly` if a period or a week was named."""

    least: int | None
    most: int | None
    converted_from: str | None
    monthly: bool


@dataclass(frozen=True)
class _Sum:
    """One amount as it was said."""

    value: float
    currency: str | None
    scaled: bool

    @property
    def gbp(self) -> int:
        return round(self.value * GBP_PER_UNIT[self.currency or "GBP"])

    @property
    def plausible(self) -> bool:
        return LEAST_PRICE_GBP <= self.gbp <= MOST_PRICE_GBP

    @property
    def converted(self) -> str | None:
        return None if self.currency in (None, "GBP") else f"{self.value:,.0f} {self.currency}"


def prices(text: str) -> Iterator[Price]:
    """Yield the price bounds of folded `text` without decoys, in order."""
    position = 0
    for match in _AMOUNT.finditer(text):
        if match.start() < position:
            continue
        pair = _RANGE.match(text, match.start())
        price = _range(text, pair) if pair else None
        if price and pair:
            position = pair.end()
        else:
            price = _single(text, match)
            position = match.end()
        if price:
            yield price


def number_of(digits: str) -> float:
    """Return the value of a number in English or Turkish notation: `1,200`, `1.200`, `150 000`, `1.5`."""
    compact = digits.replace(" ", "")
    head, separator, tail = compact.replace(",", ".").rpartition(".")
    if separator and len(tail) != len("000"):
        return float(f"{head.replace('.', '')}.{tail}")
    return float(head.replace(".", "") + tail)


def _sum(match: re.Match[str], n: str) -> _Sum:
    times = match[f"times{n}"]
    factor = {None: 1, "k": _THOUSAND, "bin": _THOUSAND, "thousand": _THOUSAND}.get(times, _MILLION)
    return _Sum(number_of(match[f"number{n}"]) * factor, _currency(match[f"pre{n}"] or match[f"post{n}"]), bool(times))


def _currency(said: str | None) -> str | None:
    if not said:
        return None
    return next(code for code, pattern in _CURRENCIES if re.fullmatch(pattern, said))


def _range(text: str, match: re.Match[str]) -> Price | None:
    """Return `500-800 gbp` as both bounds; a change `from 700 to 900 gbp` leaves only the new one."""
    first, second = _alike(_sum(match, "1"), _sum(match, "2"))
    before, after = clause_before(text, match.start()), text[match.end() : match.end() + _TRAIL]
    if not (first.plausible and second.plausible and _is_money(second, before, after, between=True)):
        return None
    monthly = bool(_PERIOD.match(after))
    if CHANGED_FROM.search(before):
        return Price(None, second.gbp, second.converted, monthly)
    low, high = sorted((first.gbp, second.gbp))
    return Price(low, high, second.converted, monthly)


def _alike(first: _Sum, second: _Sum) -> tuple[_Sum, _Sum]:
    """Give both ends of a range the currency and the scale that only one of them names."""
    currency = second.currency or first.currency
    scale = second.scaled and not first.scaled and first.value < _THOUSAND
    factor = (_MILLION if second.value >= _MILLION else _THOUSAND) if scale else 1
    return _Sum(first.value * factor, first.currency or currency, scaled=True), _Sum(
        second.value, currency, second.scaled or first.scaled
    )


def _single(text: str, match: re.Match[str]) -> Price | None:
    money = _sum(match, "1")
    before, after = clause_before(text, match.start()), text[match.end() : match.end() + _TRAIL]
    if not (money.plausible and _is_money(money, before, after, between=False)):
        return None
    weekly = bool(_WEEKLY.match(after))
    gbp = round(money.gbp * WEEKS_PER_MONTH) if weekly else money.gbp
    monthly = weekly or bool(_PERIOD.match(after))
    if _sets_least(before, after):
        return Price(gbp, None, money.converted, monthly)
    return Price(None, gbp, money.converted, monthly)


def _sets_least(before: str, after: str) -> bool:
    if _SAYS_MOST.search(before) or _MOST_FOLLOWS.match(after):
        return False
    said = _SAYS_LEAST.search(before)
    if said:
        return not _REFUSES.search(before[: said.start()])
    return bool(_LEAST_FOLLOWS.match(after))


def _is_money(money: _Sum, before: str, after: str, *, between: bool) -> bool:
    if _OTHER_MONEY.search(before) or _DENIED.search(before):
        return False
    named = money.currency is not None or (money.scaled and money.value >= _THOUSAND)
    led = _SAYS_MOST.search(before) or _SAYS_LEAST.search(before)
    followed = _MOST_FOLLOWS.match(after) or _LEAST_FOLLOWS.match(after) or _PERIOD.match(after) or _WEEKLY.match(after)
    framed = between and (_BETWEEN.search(before) or _AMONG.match(after))
    return bool(named or led or followed or framed)
