"""Which slots a text waves aside (`any area`, `fark etmez`); knows no values.

Tables of patterns over folded text, in English and Turkish.
"""

import re
from collections.abc import Iterator

ASKABLE = {
    "place": ("place",),
    "bedrooms": ("bedrooms",),
    "price": ("min_price_gbp", "max_price_gbp"),
    "tenure": ("tenure",),
    "kind": ("kind",),
    "furnished": ("furnished",),
}
"""What can be asked for or waved aside, and the slots that it covers."""


_AREA = (
    r"(?:areas?|locations?|places?|regions?|city|cities|towns?|districts?|bolge\w{0,4}|yer|konum"
    r"|semt|sehir)"
)
_PRICE = r"(?:budgets?|prices?|(?:price |budget )?limits?|butce\w{0,4}|fiyat\w{0,3}|(?:price|budget) range)"
_ROOMS = r"(?:bedrooms?|rooms?|sizes?|number of (?:bed)?rooms|oda(?: sayisi)?|yatak odasi)"
_KIND = r"(?:(?:property )?(?:types?|kinds?)|tip\w{0,2}|tur\w{0,2}|propert(?:y|ies))"
_TENURE = r"(?:tenure|rent or buy|rent or sale|kiralik (?:veya|ya da) satilik)"
_FURNITURE = r"(?:furnish\w{2,4}|furniture|esya\w{0,4}|mobilya\w{0,3})"
_CARELESS_BEFORE = (
    r"(?:any|forget(?: about)?|ignore|no|drop|skip|remove|whatever|never ?mind|all|herhangi bir|her"
    r"|tum|butun|don'?t (?:care|mind) (?:about )?"
    r"(?:the )?)(?: (?:the|my|about|specific|particular|fixed|preferred|preference on|preference for)){0,2}"
    r"|(?:flexible|open|relaxed) (?:on|about|with|as to)(?: the)?"
)
_CARELESS_AFTER = (
    r"(?: \w{1,10}){0,2} (?:do(?:es)? ?n.?t (?:really )?matter|do(?:es)? not (?:really )?matter"
    r"|(?:is )?not important|unimportant|irrelevant"
    r"|is (?:open|flexible)|(?:hic )?fark ?etmez|fark ?etmiyor|(?:hic )?onemli degil|onemsiz|olur|olabilir)"
)
CARELESS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (slot, re.compile(rf"\b(?:{_CARELESS_BEFORE}) {noun}\b|\b{noun}\b(?:{_CARELESS_AFTER})\b{extra}"))
    for slot, noun, extra in (
        ("place", _AREA, r"|\b(?:anywhere|wherever|everywhere|nerede olursa|neresi olursa)\b(?! but)"),
        (
            "price",
            _PRICE,
            r"|\bmoney is no object\b|\b(?:budget|price) no (?:limit|object)\b"
            r"|\bkac para olursa\b",
        ),
        ("bedrooms", _ROOMS, ""),
        ("kind", _KIND, ""),
        ("tenure", _TENURE, r"|\b(?:rent or (?:buy|sale)|kiralik (?:veya|ya da) satilik)\b"),
        ("furnished", _FURNITURE, r"|\bfurnished or (?:unfurnished|not)\b"),
    )
)
_CARELESS_ALONE = re.compile(
    r"^(?:any|either|both|all|whatever|no preference|(?:it "
    r"|i )?(?:really )?do(?:es)? ?n.?t (?:really )?(?:matter|mind|care)|does not matter|(?:i )?do not"
    r" (?:mind|care)|fark ?etmez|fark ?etmiyor|onemli degil|farki yok|hepsi olur|her ikisi(?: de)?)[ .!]*$"
)


def waved_aside(folded: str, asked: str | None) -> Iterator[str]:
    """Yield the slots that `folded` text does not care about; a bare `any` means the one asked for, else the place."""
    for name, pattern in CARELESS:
        if pattern.search(folded):
            yield from ASKABLE[name]
    if _CARELESS_ALONE.match(folded):
        yield from ASKABLE[asked or "place"]
