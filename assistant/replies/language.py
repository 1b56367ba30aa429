"""Whether a message is English or Turkish, by its words and letters; place names and numbers decide nothing."""

import re
from collections.abc import Iterable

from assistant.replies.places import PLACE_PATTERN
from assistant.replies.text import fold
from assistant.replies.values import Language

_TURKISH_WORDS = re.compile(
    r"(?<![a-z'])(?:"
    r"aksamlar|alti|altinda|ama|ariyorum|ariyoruz|aslinda|ayda|aylik|aynen|az|bana|banka|baska|ben|"
    r"beni|bes|biliyorsun|bin|bir|bolge|bu|bul|butce|butcem|cok|da|daha|daire|de|degil|denize|devam|"
    r"dolmus|dort|eczane|edelim|elektrik|en|esyali|esyasiz|et|etmez|ev|evet|evi|evler|fark|farketmez|"
    r"fatura|fazla|fiyat|gibi|gorusuruz|goster|gunaydin|gunler|guzel|hakkimda|hangi|hastane|"
    r"hatirliyorsun|hayir|hosca|icin|ikamet|iki|ile|istemiyorum|istiyorum|istiyoruz|iyi|izni|kac|"
    r"kadar|kal|kimsin|kira|kiralik|kiraya|konusalim|konuyu|lazim|lira|lutfen|merhaba|mi|misin|"
    r"mobilyali|mu|musun|nasil|nasilsin|ne|neden|nedir|nerede|nereye|oda|odali|okul|olan|olmasin|"
    r"olsun|olur|onemli|otobus|pahali|peki|plaj|restoran|sadece|sagol|sagolun|satilik|sehir|selam|"
    r"sen|sey|simdi|siz|sonra|sterlin|sterline|studyo|su|tabi|tabii|tamam|tesekkur|tesekkurler|uc|"
    r"ucuz|ulasim|ustu|var|ve|veya|yakin|yakininda|yardim|yatak|yerine|yok"
    r")(?![a-z'])"
)
_ENGLISH_WORDS = re.compile(
    r"(?<![a-z'])(?:"
    r"a|about|actually|all|an|and|another|any|anywhere|apartment|are|area|around|at|bank|beach|bed|"
    r"bedroom|bedrooms|bill|budget|bus|buy|bye|can|cheaper|cheers|could|did|do|does|electricity|else|"
    r"find|first|flat|for|from|get|good|goodbye|has|have|hello|help|here|hey|hi|hmm|home|hospital|"
    r"house|how|i|in|instead|is|it|less|let's|look|looking|make|me|month|more|morning|my|near|need|"
    r"no|not|of|ok|okay|on|one|or|other|over|pcm|per|permit|pharmacy|please|pounds|rent|residence|"
    r"restaurant|sale|school|second|should|show|something|studio|sure|talk|tell|than|thank|thanks|"
    r"that|the|there|this|thx|to|under|up|villa|want|was|water|we|what|when|where|which|who|why|with|"
    r"would|yeah|yes|you|your"
    r")(?![a-z'])"
)
_TURKISH_LETTERS = frozenset("şğıİŞĞçÇöÖüÜ")
_TURKISH_CASE = re.compile(r"^'?(?:de|da|te|ta|den|dan|ten|tan|deki|daki|teki|taki|ye|ya|yi|yu|nin|nun)$")


def language_of(texts: Iterable[str]) -> Language:
    """Return the language of the first text that tells (newest first); English when none does."""
    return next((told for text in texts if (told := told_language(text))), "en")


def told_language(text: str) -> Language | None:
    """Return the language that `text` is clearly in, None for a place name, a number or a tie."""
    folded = fold(text)
    cased = sum(1 for match in PLACE_PATTERN.finditer(folded) if _TURKISH_CASE.match(match["suffix"] or "-"))
    rest = PLACE_PATTERN.sub(" ", folded)
    turkish = cased + len(_TURKISH_WORDS.findall(rest))
    english = len(_ENGLISH_WORDS.findall(rest))
    if turkish == english == 0:
        return "tr" if _spelled_turkish(text) else None
    if turkish == english:
        return None
    return "tr" if turkish > english else "en"


def _spelled_turkish(text: str) -> bool:
    named = {word for word in text.split() if PLACE_PATTERN.search(fold(word))}
    return any(_TURKISH_LETTERS & set(word) for word in text.split() if word not in named)
