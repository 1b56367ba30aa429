"""Number words of five languages as digits: "beş yüz otuz üç" is 533, "oh five double three" is 0 5 3 3.

Data and arithmetic; knows nothing of telephones.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

from assistant.memory.redaction.folding import fold
from assistant.memory.redaction.wordlists import any_of

_ONES: Final = (
    "zero one two three four five six seven eight nine",
    "sıfır bir iki üç dört beş altı yedi sekiz dokuz",
    "null eins zwei drei vier fünf sechs sieben acht neun",
    "μηδέν ένα δύο τρία τέσσερα πέντε έξι επτά οκτώ εννέα",
    "ноль один два три четыре пять шесть семь восемь девять",
    "nul ein zwo tri tessera pente exi efta okto ennia",
    "o one two three four five six seven eight nine",
    "oh ein",
    "нуль раз два три четыре пять шесть семь восемь девять",
    "μηδεν ενας δυο τρεις τεσσερις πεντε εξι εφτα οχτω εννια",
)
_TEENS: Final = (
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
    "zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn",
    "десять одиннадцать двенадцать тринадцать четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать",
    "δέκα έντεκα δώδεκα δεκατρία δεκατέσσερα δεκαπέντε δεκαέξι δεκαεπτά δεκαοκτώ δεκαεννέα",
)
_TENS: Final = (
    "twenty thirty forty fifty sixty seventy eighty ninety",
    "yirmi otuz kırk elli altmış yetmiş seksen doksan",
    "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
    "двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто",
    "είκοσι τριάντα σαράντα πενήντα εξήντα εβδομήντα ογδόντα ενενήντα",
)
_HUNDREDS: Final = (
    "сто двести триста четыреста пятьсот шестьсот семьсот восемьсот девятьсот",
    "εκατόν διακόσια τριακόσια τετρακόσια πεντακόσια εξακόσια επτακόσια οκτακόσια εννιακόσια",
)
_REPEATS: Final = {"double": 2, "triple": 3, "çift": 2, "doppel": 2, "дважды": 2}
_HUNDRED: Final = frozenset({"yuz", "hundred", "hundert"})
_PLUS: Final = ("plus", "artı", "плюс", "συν")


def _values(lines: Iterable[str], first: int, step: int) -> dict[str, int]:
    return {fold(word): first + step * place for line in lines for place, word in enumerate(line.split())}


def _any(known: Iterable[str]) -> str:
    return any_of(map(fold, known))


_ONE: Final = _values(_ONES, 0, 1)
_TEEN: Final = _values(_TEENS, 10, 1)
_TEN: Final = {**_values(_TENS, 20, 10), "on": 10}
_HUNDREDTH: Final = _values(_HUNDREDS, 100, 100)
_VALUES: Final = {**_ONE, **_TEEN, **_TEN, **_HUNDREDTH}
WORDS: Final = frozenset(_VALUES) | _HUNDRED
_ONE_WORD, _TEN_WORD = f"(?:{_any(_ONE)})", f"(?:{_any(_TEN)})"
# "on" is ten in Turkish, and a word of English: it counts before a Turkish number only.
_TURKISH_TEEN: Final = rf"on[ ]?(?:{_any(_ONES[1].split()[1:])})"
_TWO_DIGITS: Final = rf"(?:{_any(_TEEN)}|{_TURKISH_TEEN}|{_ONE_WORD}und{_TEN_WORD})"
# Not the "five" of "ninety five hundred": that is 90 500.
_LAST: Final = rf"(?:[ ]?{_ONE_WORD}(?![ ](?:{_any(_HUNDRED)})(?!\w)))?"
_REST: Final = rf"(?:[ ]?{_TWO_DIGITS}|(?:[ ]?{_TEN_WORD})?{_LAST})"
_REPEAT: Final = {fold(word): times for word, times in _REPEATS.items()}
# "Plus ninety five three three" is +90 5 3 3, not +95.
_NINETY_AFTER_PLUS: Final = "|".join(
    f"(?<={fold(plus)} ){fold(ten.split()[-1])}(?= {fold(ones.split()[5])})"
    for plus, ten, ones in zip(
        _PLUS, (_TENS[0], _TENS[1], _TENS[3], _TENS[4]), (*_ONES[:2], _ONES[4], _ONES[3]), strict=True
    )
)
# The longest stretch of words that says one group of digits; Turkish writes them together or apart.
GROUP_SAID: Final = re.compile(
    rf"\b(?:(?:{_any(_PLUS)})(?=[ ]{_TEN_WORD}|[ ]{_ONE_WORD}|[ ]\d)"
    rf"|(?:{_NINETY_AFTER_PLUS})(?=[ ]{_ONE_WORD}[ ]{_ONE_WORD})|(?:{_any(_REPEAT)})[ ]{_ONE_WORD}|{_TWO_DIGITS}"
    rf"|(?:{_ONE_WORD}[ ]?)?(?:{_any(_HUNDRED)}){_REST}"
    rf"|(?:{_any(_HUNDREDTH)}){_REST}"
    rf"|(?!on[ ]){_TEN_WORD}{_LAST}|{_ONE_WORD})(?!\w)"
)
# "05three3": a word of one digit inside a number.
WORD_INSIDE: Final = rf"(?:{_any((*_ONES[0].split(), *_ONES[1].split()))})(?=[ .-]?\d)"
_WORD: Final = re.compile(_any((*_VALUES, *_HUNDRED, *_REPEAT)))
_FEWEST_DIGITS: Final = 7
_FEWEST_WORDS: Final = 2
_REACH: Final = 2  # one word may stand between two numbers
_LONGEST_SAID: Final = 5  # digits of "beşyüzotuzüç", and to spare
_SENTENCE_ENDS: Final = ".!?"
_HYPHENATED: Final = re.compile(r"-[^\W\d_]{2,}-")
_IN_COMPOUNDS: Final = ("yuz", "hundert")


def _compounds() -> set[str]:
    """Return the two-digit numbers that are written as one word: "ondört", "vierunddreißig"."""
    tens = [fold(word) for line in _TENS for word in line.split()] + ["on"]
    ones = [fold(word) for line in _ONES for word in line.split()]
    return {ten + one for ten in tens for one in ones} | {f"{one}und{ten}" for ten in tens for one in ones}


# At most how many digits a word stands for.
_LENGTHS: Final = {
    **dict.fromkeys((*_TEEN, *_TEN, *_REPEAT, *_compounds()), 2),
    **dict.fromkeys((*_HUNDREDTH, *_HUNDRED), 3),
    **dict.fromkeys(_ONE, 1),
}
_SAID: Final = frozenset(_LENGTHS)


def is_spoken(text: str) -> bool:
    """Say whether a folded text has number words near one another, with digits enough for a telephone number."""
    words = text.replace(",", " ").split()
    if "yuz" in text or "hundert" in text:
        return _has_enough(words, [place for place, word in enumerate(words) if _length_said(word)], _length_said)
    if "-" in text and _HYPHENATED.search(text):
        words = text.replace(",", " ").replace("-", " ").split()
    if _SAID.isdisjoint(words):
        return False
    places = [place for place, word in enumerate(words) if word in _SAID]
    return len(places) >= _FEWEST_WORDS and _has_enough(words, places, _LENGTHS.get)


def _has_enough(words: list[str], places: list[int], length_said: Callable[[str], int | None]) -> bool:
    """Say whether number words and figures that follow one another make up a telephone number."""
    done = 0
    for place in places:
        if place >= done:
            first = _first_figure(words, done, place)
            digits = said = 0
            last = done = first
            while done - last <= _REACH and done < len(words):
                length = length_said(words[done])
                if length or _is_figure(words[done]):
                    digits, said, last = digits + (length or len(words[done])), said + bool(length), done
                done += 1
                if not length and words[done - 1][-1] in _SENTENCE_ENDS:
                    break
            if digits >= _FEWEST_DIGITS and said >= _FEWEST_WORDS:
                return True
    return False


def _first_figure(words: list[str], done: int, place: int) -> int:
    """Return where the figures begin that lead up to a number word."""
    first = place
    for before in range(place - 1, done - 1, -1):
        if words[before][-1] in _SENTENCE_ENDS:
            break
        if _is_figure(words[before]):
            first = before
        elif first - before >= _REACH:
            break
    return first


def _length_said(word: str) -> int:
    return _LENGTHS.get(word) or (_LONGEST_SAID if any(map(word.__contains__, _IN_COMPOUNDS)) else 0)


def _is_figure(word: str) -> bool:
    return word[0].isdigit() or word[0] == "("


def digits_said(match: re.Match[str]) -> str:
    """Return the digits that one match of `GROUP_SAID` says."""
    return _digits_of(match.group())


def digit_and_digit_said(match: re.Match[str]) -> str:
    """Return the digit that `WORD_INSIDE` follows, and the digit it says."""
    return f"{match.group()[0]}{_VALUES[match.group()[1:]]}"


@lru_cache(maxsize=4096)  # a few hundred words say all groups there are
def _digits_of(said: str) -> str:
    value = 0
    for word in _WORD.findall(said):
        if word in _REPEAT:
            return " ".join(str(_VALUES[_WORD.findall(said)[-1]]) * _REPEAT[word])
        value = max(value, 1) * 100 if word in _HUNDRED else value + _VALUES[word]
    return str(value) if _WORD.match(said) else "+"
