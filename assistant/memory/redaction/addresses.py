"""What a postal address looks like: a street word with a name and a number, in five languages, or a post box.

Knows no places: a town or district alone is not an address, and a street without a number is none either.
"""

from collections.abc import Iterator
from typing import Final

from assistant.memory.redaction.patterns import compiled
from assistant.memory.redaction.views import Span, View
from assistant.memory.redaction.wordlists import words

_NUMBER: Final = r"\d{1,5}(?:[ ]?[/-][ ]?\d{1,4})?(?:[ /]?[a-z](?![\w:.]))?(?!\w)"
_NOT_A_COUNT: Final = r"(?![ ]?(?:m|km|min|dk|oda|room|bed|kisi|метр|[+%€£$₺])|[.,:+]\d)"
# What follows is counted: "3 şeritli", "25 градусов".
_NOT_COUNTING: Final = (
    r"(?![ ](?:şerit|serit|dukkan|okul|tane|otede|kat|araba|градус|школ|магазин|дом[аов]|этаж|машин|человек|минут|час))"
)
_NAME: Final = r"[^\W\d_][\w.'-]{1,30}"
_SMALL_WORDS: Final = words(
    "the a an to on in of at from by near off and is",
    "are was my your this that min mins minute minutes km m metre meter",
    "room rooms bed bedroom beds bedrooms floor floors for with",
    "down up along same main every each quiet busy next block",
    "blocks street streets people guests days nights weeks months years euro pounds tl only just",
)
_EN_STREET: Final = words(
    "street st st. str. road rd rd. avenue ave ave. lane",
    "ln ln. drive dr. boulevard blvd blvd. square crescent close terrace",
    "court parade gardens grove mews quay",
)
_EN_UNIT: Final = words("flat apt apt. apartment unit suite house villa no no. block")
_TR_STREET: Final = words(
    "sokak sokağı sokagi sok sok. sk sk. cadde caddesi cad cad. cd. bulvarı bulvari bulvar blv. yolu çıkmazı meydanı"
)
_TR_QUARTER: Final = words("mahallesi mahalle mah mah. mh. sitesi apartmanı apt. apt köyü")
_TR_NUMBER: Final = words("no numara kapı_no dış_kapı_no bina_no")
_TR_INNER: Final = words("daire d da kat k blok apt no iç_kapı_no ic_kapi_no")
_DE_STREET: Final = r"(?:str\.|strasse|straße|weg|platz|allee|gasse|ring|damm|ufer)"
_EL_STREET: Final = words("οδός οδού οδ. οδ λεωφόρος λεωφόρου λεωφ. λεωφ πλατεία πλ.")
_RU_STREET: Final = words(
    "ул. ул улица улице улицы пр. пр-т проспект проспекте пер.",
    "пер переулок бульвар б-р шоссе ш. наб. набережная площадь пл.",
)

_FORMS: Final = (
    # 12 Baker Street, Flat 3, 12b Baker St.
    rf"(?:(?:{_EN_UNIT})[ ]\d{{1,4}}[a-z]?,?[ ])?\d{{1,5}}[a-z]?,?[ ](?:(?!(?:{_SMALL_WORDS})[ ]){_NAME}[ ]){{1,3}}"
    rf"(?:{_EN_STREET})(?!\w)(?:,?[ ](?:{_EN_UNIT})[ ]?\d{{1,4}}[a-z]?(?!\w))?",
    # Atatürk Mah. Cumhuriyet Cad. No: 12 Daire 5
    rf"(?:{_NAME}[ ]){{0,2}}(?:(?:{_TR_QUARTER})[ ,]{{1,2}}(?:[\w.]{{2,30}}[ ]){{1,3}})?"
    rf"(?:\d{{1,4}}\.?[ ])?(?:{_TR_STREET})(?!\w)[ ,]{{0,2}}"
    rf"(?:(?:{_TR_NUMBER})[ .:]{{0,3}}{_NUMBER}|{_NUMBER}{_NOT_A_COUNT}{_NOT_COUNTING})"
    rf"(?:[ ,/]{{1,3}}(?:{_TR_INNER})[ .:]{{0,3}}[a-z0-9]{{1,4}}(?!\w)){{0,3}}",
    rf"{_NAME}[ ](?:{_TR_QUARTER})[ ,]{{0,2}}(?:{_TR_NUMBER})[ .:]{{1,3}}{_NUMBER}"
    rf"(?:[ ,/]{{1,3}}(?:{_TR_INNER})[ .:]{{0,3}}[a-z0-9]{{1,4}}(?!\w)){{0,3}}",
    # Zafer Apt. Daire 5
    rf"{_NAME}[ ](?:apt\.?|apartmani|sitesi)[ ,]{{1,2}}(?:daire|d|blok)[ .:]{{1,3}}[a-z0-9]{{1,4}}(?!\w)",
    # Hauptstraße 12a, Kölner Str. 5
    rf"(?:[^\W\d_][\w-]{{2,30}}?{_DE_STREET}|{_NAME}[ ](?:str\.|strasse|straße|platz|allee|weg)"
    rf"|am[ ](?:markt|ring|platz|hafen|bahnhof))[ ]"
    rf"{_NUMBER}{_NOT_A_COUNT}",
    # Οδός Ερμού 15
    rf"(?:{_EL_STREET})[ ](?:{_NAME}[ ]){{1,3}}(?:αρ\.?[ ])?{_NUMBER}{_NOT_A_COUNT}",
    # ул. Ленина, д. 5, кв. 12
    rf"(?:(?:{_RU_STREET})[ ]?(?:{_NAME}[ ]?){{1,3}}|(?:{_NAME}[ ]){{1,2}}(?:{_RU_STREET})),?[ ]?(?:д\.?|дом)?[ ]?"
    rf"{_NUMBER}{_NOT_A_COUNT}{_NOT_COUNTING}(?:,?[ ](?:кв|корп|стр|оф|под)\.?[ ]?\d{{1,4}}){{0,3}}",
    # post boxes
    r"(?:p\.?[ ]?o\.?[ ]?box|post office box|posta kutusu|p\.k\.|postfach|а/я|τ\.?θ\.?)[ :#.]{0,3}"
    r"(?:no[.: ]{0,3})?\d{1,6}(?!\w)",
)
_ADDRESS: Final = compiled(rf"(?<!\w)(?:{'|'.join(_FORMS)})")
_HINT: Final = compiled(
    rf"(?:{_EN_STREET}|{_TR_STREET}|{_TR_QUARTER}|{_EL_STREET}|{_RU_STREET})(?!\w)|{_DE_STREET}[ ]\d"
    r"|am[ ](?:markt|ring|platz|hafen|bahnhof)[ ]\d|box|kutusu|p\.k|fach|а/я|τ\.?θ"
)


def find_addresses(view: View) -> Iterator[Span]:
    """Yield the places, in the original, of postal addresses."""
    if _HINT.search(view.text):
        yield from (view.span(*match.span()) for match in _ADDRESS.finditer(view.text))
