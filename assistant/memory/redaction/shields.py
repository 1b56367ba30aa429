"""Which stretches of digits are something else for certain: links, ids, hashes, dates, money, coordinates.

Hides them from the search for telephones; refuses to judge anything that could be one.
"""

import re
from typing import Final

from assistant.memory.redaction import phone_words as known
from assistant.memory.redaction.patterns import compiled
from assistant.memory.redaction.views import MASK, View, hide

_HEX: Final = "[0-9a-f]"
_SYMBOL: Final = "[£€$₺₽¥₴₾]"
_THOUSANDS: Final = r"(?:[ .,'](?=\d{3}(?!\d))\d{3})"
_MONTH, _DAY, _YEAR = "(?:0[1-9]|1[0-2]|[1-9](?!\\d))", "(?:0[1-9]|[12][0-9]|3[01]|[1-9](?!\\d))", "(?:19|20)[0-9]{2}"
_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"

# Every alternative starts at the first digit of a run and fails on its second or third part: a run is read once.
_AFTER_ONE_OR_TWO: Final = (
    r":(?<!\d:\d.)(?<!\d:\d\d.)[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?(?![\d:])",  # times
    rf"[/.](?<!\d[ ./-]\d.)(?<!\d[ ./-]\d\d.){_YEAR}(?!\d)",  # 03/2026
    r"(?:\+\d(?:\+\d)?|[ ]\+[ ]\d)(?![\d(])",  # rooms: 3+1
    rf"([ ./-]){_MONTH}\1{_YEAR}(?!\d)|(?<!\d[./-]\d)(?<!\d[./-]\d\d)([./-]){_MONTH}\2\d{{2}}(?!\d)(?!\2\d)",  # dates
    r"[.]\d{2}[ ]?-[ ]?\d{2}[.]\d{2}(?!\d)(?![.]\d)",  # 09.30 - 10.30
)
_AFTER_THREE_OR_LESS: Final = (
    rf"[.](?<!\d[.]\d.)(?<!\d[.]\d\d.)(?<!\d[.]\d{{3}}.)(?<![3-9]\d\d.)(?<!2[6-9]\d.)(?<!25[6-9].)"
    rf"{_OCTET}(?:\.{_OCTET}){{2}}(?:/\d{{1,2}})?(?![.]?\d)",  # IPs
    r"\.\d{3,}+°?[ ]?[nsew]?[ ]?[,;/ ][ ]?[+-]?\d{1,3}\.\d{3,}+(?![\d.])",  # coordinates
    r"°",
    rf"(?=[ .,']\d{{3}}(?!\d))(?<!\d[ .,-]\d)(?<!\d[ .,-]\d\d)(?<!\d[ .,-]\d\d\d)"
    rf"{_THOUSANDS}{{1,4}}+(?:[.,]\d{{1,2}})?[ ]?"
    rf"(?:{_SYMBOL}(?!\d)|(?:{known.CURRENCY})(?!\w))",  # 120.000 TL
)
_AFTER_FOUR: Final = (
    rf"(?<={_YEAR})([-/.]){_MONTH}\3{_DAY}(?:[t ]\d{{2}}:\d{{2}}(?::\d{{2}}(?:[.,]\d{{1,9}})?)?"
    r"(?:z|[+-]\d{2}:?\d{2})?)?(?!\d)",  # ISO dates and timestamps
    r"([ -])(?:\d{4}\4\d{4}\4\d{4}(?!\d)|(?<=3[47]\d\d.)\d{6}\4\d{5}(?!\d))",  # cards
)
# Most digits are none of these, and what follows them tells soonest: nothing but digits and spaces, or a word.
_PLAIN: Final = (
    r"\d{0,6}+(?:\Z|[^\w .,:+'/°×-]|_|[ ](?![\dx×]|\+[ ])|[.,'](?!\d))|\d{8}"
    r"|\d{3}[ ]\d{1,3}+(?!\d)|\d\d[ ]\d\d?(?!\d)|\d?[ ]\d{4}|\d[ ]\d\d(?!\d|[ ][12])"
)
_NUMBERS: Final = compiled(
    rf"[0-9](?<!\d\d)(?:(?<=[a-z].)|(?!{_PLAIN}))(?:"
    rf"\d?+(?!\d)(?:{'|'.join(_AFTER_ONE_OR_TWO)})|\d{{0,2}}+(?!\d)(?:{'|'.join(_AFTER_THREE_OR_LESS)})"
    rf"|\d{{3}}(?:{'|'.join(_AFTER_FOUR)})"
    rf"|\d{{7}}(?<={_YEAR}\d{{4}})[t_-]\d{{4,6}}z?(?!\d)"  # 20251102-1430
    rf"|\d{{7}}(?<=(?<!\d[ ./-])0[1-9][01]\d{_YEAR})(?!\d)"  # 02112025
    rf"|{_HEX}{{7}}(?<![0-9a-z]{{9}})-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}(?![0-9a-z])"
    r"|\d(?<=(?<![0-9a-z])[a-z]{2}\d{2})[ ]?(?:[a-z]{4}[ ]?|(?=\d{11}|\d{4}[ ]\d{4}[ ]\d{3}))"  # IBAN
    r"(?:\d{4}[ ]?){2,7}+\d{0,4}(?!\w)"
    r"|(?<!\d{3}[-. ].)\d{0,4}+(?:[.,]\d{1,2}+)?+[ ]?+[x×][ ]?\d{1,5}(?:[ ]?[x×][ ]?\d{1,5})?(?![\dx×]))"  # sizes
)
_UUID: Final = compiled(rf"[a-f](?<![0-9a-z].){_HEX}{{7}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}(?![0-9a-z])")
# A sign after a number, or after what one was replaced by, is that one's.
_PRICED: Final = compiled(
    rf"{_SYMBOL}(?:(?=\d)|(?<![\dkm{MASK}].)(?<![\dkm{MASK}][ ].)[ ])\d{{1,9}}{_THOUSANDS}{{0,4}}+(?:[.,]\d{{1,2}})?"
    rf"(?:[ ]?-[ ]?{_SYMBOL}?\d{{1,9}}{_THOUSANDS}{{0,4}}+)?(?!\d)"
)
_LINK: Final = compiled(
    r"[a-z0-9](?<![a-z0-9].)(?:[a-z0-9+.-]{0,15}+://|(?<=w)ww\."
    r"|(?<![\w@./-].)(?:[a-z0-9-]{0,63}+\.)(?:[a-z0-9-]{1,63}+\.){0,4}+[a-z]{2,10}/)[^\s<>\"]++"
)
_ENOUGH_DIGITS: Final = compiled(r"[0-9](?:[ ()./-]{0,3}\d){6}")
_MAC: Final = compiled(rf"-(?<=(?<![0-9a-z-]){_HEX}{_HEX}-)(?:{_HEX}{_HEX}-){{4}}{_HEX}{_HEX}(?![0-9a-z-])")
_FEWEST_DASHES: Final = 4  # of a UUID; a MAC address has one more
_LENGTH_OF_PAIR: Final = 2
_SITE: Final = compiled(r"\.[a-z]{2,10}/")
_TELEPHONE_IN_LINK: Final = compiled(
    r"(?:wa\.me/(?:message/)?|/send/?\?phone=|[?&#](?:phone|tel|telephone|mobile|number|whatsapp|gsm|msisdn|to|contact)=|#p/|t\.me/(?=\+)"
    r"|[/=:](?=\+)|^(?:tel|sms|callto|whatsapp|viber|facetime|sip)://(?:[a-z]+\?[a-z]+=)?)"
    r"(?P<number>\+?[\d ()./-]{7,25})"
)


def without_links(view: View) -> View:
    """Return the view with links hidden, but for the telephones inside them."""
    text = view.text
    may_have_links = "www." in text or ("/" in text and ("://" in text or _SITE.search(text)))
    return view.masked(_LINK, _hide_link) if may_have_links else view


def shielded(text: str) -> str:
    """Return the text with everything hidden that is written in digits and cannot be a telephone."""
    if text.count("-") >= _FEWEST_DASHES:
        text = _MAC.sub(_hide_mac, _UUID.sub(hide, text))
    if "$" in text or not text.isascii():  # all other signs of money are beyond ASCII
        text = _PRICED.sub(hide, text)
    return _NUMBERS.sub(hide, text)


def _hide_mac(match: re.Match[str]) -> str:
    """Hide six pairs of hexadecimal digits; without a letter among them they can be a telephone."""
    pairs = match.string[match.start() - _LENGTH_OF_PAIR : match.end()].replace("-", "")
    return match.group() if pairs.isdigit() else hide(match)


def _hide_link(match: re.Match[str]) -> str:
    """Hide a link but for the telephones in it: there are several where links stand without a space between."""
    link = match.group()
    if _ENOUGH_DIGITS.search(link) is None:
        return hide(match)
    pieces: list[str] = []
    done = 0
    for found in _TELEPHONE_IN_LINK.finditer(link):
        start, end = found.span("number")
        pieces += (MASK * (start - done), found["number"])
        done = end
    return "".join((*pieces, MASK * (len(link) - done)))
