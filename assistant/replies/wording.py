"""Every sentence of the replies, in English and Turkish, and how values are put into words; decides nothing."""

from collections.abc import Iterable

from assistant.replies.money import GBP_PER_UNIT
from assistant.replies.places import in_both_names
from assistant.replies.values import MANY_BEDROOMS, Language, Listing, Search

SENTENCES: dict[str, dict[Language, str]] = {
    "remembered": {
        "en": "I remembered from before: {parts}. Tell me if that has changed.",
        "tr": "Daha önceden hatırladıklarım: {parts}. Değiştiyse söyleyin.",
    },
    "search": {"en": "Your search: {parts}.", "tr": "Aramanız: {parts}."},
    "no_search": {
        "en": "I can help you find a home to rent or buy.",
        "tr": "Kiralık veya satılık ev bulmanıza yardım edebilirim.",
    },
    "converted": {
        "en": "{said} is roughly {pounds}, at an approximate rate of {rate} pounds.",
        "tr": "{said} yaklaşık {pounds} eder (yaklaşık kur: {rate} sterlin).",
    },
    "fits": {"en": "This is what fits:", "tr": "Uyan ilanlar:"},
    "next": {"en": "Here are the next ones:", "tr": "Sıradaki ilanlar:"},
    "widened": {"en": "Nothing matches exactly, so I {how}:", "tr": "Tam uyan ilan yok, bu yüzden {how}:"},
    "widened_more": {
        "en": "You have seen all exact matches, so I {how}:",
        "tr": "Tam uyan ilanların hepsini gördünüz, bu yüzden {how}:",
    },
    "widened_cheaper": {
        "en": "You have already seen the cheapest exact matches, so I {how} for something cheaper:",
        "tr": "Tam uyan en ucuz ilanları zaten gördünüz, daha ucuzu için {how}:",
    },
    "none": {
        "en": "I have nothing like that, even with a little more budget or in neighbouring areas. Try"
        " another area, size or budget.",
        "tr": "Bütçeyi biraz aşınca veya komşu bölgelerde bile böyle bir ilan bulamadım. Başka bir"
        " bölge, oda sayısı veya bütçe deneyin.",
    },
    "no_more": {
        "en": "That is everything I have for this search. Change the area, size or budget to see others.",
        "tr": "Bu arama için hepsi bu kadar. Başka ilanlar için bölgeyi, oda sayısını veya bütçeyi değiştirin.",
    },
    "none_cheaper": {
        "en": "I have nothing cheaper, not even in neighbouring areas.",
        "tr": "Komşu bölgelerde bile daha ucuz bir ilan yok.",
    },
    "say_more": {"en": 'Say "more" for the next ones.', "tr": 'Devamı için "daha fazla" yazın.'},
    "homes_only": {
        "en": "I only know homes, not land, shops or hotels.",
        "tr": "Bende yalnızca konut var; arsa, dükkân veya otel yok.",
    },
    "elsewhere": {
        "en": "I only cover Northern Cyprus.",
        "tr": "Yalnızca Kuzey Kıbrıs'ı biliyorum.",
    },
    "what_to_change": {
        "en": "What should I change: the area, the bedrooms or the budget?",
        "tr": "Neyi değiştireyim: bölge, oda sayısı veya bütçe?",
    },
    "ask_place": {"en": "Which area would you like?", "tr": "Hangi bölgeyi istersiniz?"},
    "ask_tenure": {"en": "Would you like to rent or to buy?", "tr": "Kiralık mı, satılık mı istersiniz?"},
    "ask_price": {"en": "What is your budget?", "tr": "Bütçeniz ne kadar?"},
    "ask_bedrooms": {"en": "How many bedrooms do you need?", "tr": "Kaç yatak odası gerekli?"},
    "unknown_listing": {
        "en": "I cannot find that listing any more.",
        "tr": "Bu ilanı artık bulamıyorum.",
    },
    "details": {
        "en": "{line}\n{description}",
        "tr": "{line}\nAçıklama (İngilizce): {description}",
    },
    "check": {
        "en": "Rules and fees change, so please confirm with the authority or a professional before you rely on this.",
        "tr": "Kural ve ücretler değişebilir; buna güvenmeden önce lütfen yetkili makamdan veya bir"
        " uzmandan doğrulayın.",
    },
    "same_everywhere": {
        "en": "For {place}, I know nothing beyond the general picture:",
        "tr": "{place} için genel bilgiden fazlasını bilmiyorum:",
    },
    "no_more_local": {
        "en": "That is all I know about it. For more, ask the authority or a local professional.",
        "tr": "Bu konuda bildiğim bu kadar. Fazlası için yetkili makama veya yerel bir uzmana danışın.",
    },
    "back_to_search": {
        "en": 'Your search is still open ({parts}): tell me a change, or say "more".',
        "tr": 'Aramanız hâlâ açık ({parts}): değişikliği yazın veya "daha fazla" deyin.',
    },
    "greeting": {
        "en": "Hello! I can help you find a home to rent or buy in Northern Cyprus, or answer"
        " questions about living here.",
        "tr": "Merhaba! Kuzey Kıbrıs'ta kiralık veya satılık ev bulmanıza yardım edebilir, burada"
        " yaşamla ilgili soruları yanıtlayabilirim.",
    },
    "greeting_again": {"en": "Hello again!", "tr": "Tekrar merhaba!"},
    "offer": {"en": "Shall I continue that search?", "tr": "Bu aramaya devam edelim mi?"},
    "well": {"en": "I am doing well, thank you.", "tr": "İyiyim, teşekkür ederim."},
    "thanks": {"en": "You are welcome.", "tr": "Rica ederim."},
    "goodbye": {"en": "Goodbye, and come back any time.", "tr": "Hoşça kalın, istediğiniz zaman yine yazın."},
    "help": {
        "en": 'Tell me what you are looking for in your own words, for example "2 bedroom flat to rent'
        ' in Girne under 700 gbp", and change it step by step.'
        " You can also ask about permits, hospitals, transport, electricity, banks, schools, beaches"
        " and more, in English or Turkish.",
        "tr": "Ne aradığınızı kendi sözlerinizle yazın, örneğin \"Girne'de 700 sterline kadar"
        ' 2+1 kiralık daire", sonra adım adım değiştirin.'
        " İzinler, hastaneler, ulaşım, elektrik, bankalar, okullar, plajlar gibi konuları da Türkçe"
        " veya İngilizce sorabilirsiniz.",
    },
    "identity": {
        "en": "I am the Easy Islanders assistant: a program, not a person. I search homes in Northern"
        " Cyprus and answer questions about living here.",
        "tr": "Ben Easy Islanders asistanıyım: bir insan değil, bir programım. Kuzey Kıbrıs'ta ev"
        " arar, burada yaşamla ilgili soruları yanıtlarım.",
    },
    "hand_off": {
        "en": "All right, let us leave the home search. What would you like to talk about?",
        "tr": "Tamam, ev aramasını bırakalım. Ne hakkında konuşmak istersiniz?",
    },
    "memory": {"en": "This is what I remember about you:", "tr": "Sizinle ilgili hatırladıklarım:"},
    "memory_thread": {
        "en": "In this conversation, you are looking for: {parts}.",
        "tr": "Bu konuşmada aradığınız: {parts}.",
    },
    "memory_none": {
        "en": "I do not remember anything about you from earlier conversations.",
        "tr": "Önceki konuşmalardan sizinle ilgili hatırladığım bir şey yok.",
    },
    "privacy": {
        "en": "You can export everything we hold about you, or have it erased, from your account."
        " Erasing also removes what I remember.",
        "tr": "Hakkınızda tuttuğumuz her şeyi hesabınızdan dışa aktarabilir veya sildirebilirsiniz."
        " Silme, hatırladıklarımı da kaldırır.",
    },
    "place_alone": {
        "en": "{place}: are you looking for a home to rent or buy there, or for information about living there?",
        "tr": "{place}: orada kiralık veya satılık ev mi arıyorsunuz, yoksa yaşamla ilgili bilgi mi istiyorsunuz?",
    },
    "all_right": {"en": "All right. What can I do for you?", "tr": "Tamam. Sizin için ne yapabilirim?"},
    "unknown": {
        "en": "I did not understand that. I can search homes to rent or buy, and answer questions"
        " about living in Northern Cyprus.",
        "tr": "Bunu anlayamadım. Kiralık veya satılık ev arayabilir, Kuzey Kıbrıs'ta yaşamla ilgili"
        " soruları yanıtlayabilirim.",
    },
}

WIDENED: dict[str, dict[Language, str]] = {
    "budget": {"en": "went up to 15% over the budget", "tr": "bütçeyi en fazla %15 aştım"},
    "nearby": {"en": "looked in neighbouring areas", "tr": "komşu bölgelere de baktım"},
    "kind": {"en": "looked at other kinds of homes", "tr": "başka konut türlerine de baktım"},
    "furnished": {"en": "set the furnishing aside", "tr": "eşya durumuna bakmadım"},
    "bedrooms": {"en": "allowed one bedroom more or less", "tr": "bir oda fazlasına veya eksiğine izin verdim"},
}
_AND: dict[Language, str] = {"en": " and ", "tr": ", "}

_WORDS: dict[str, dict[Language, str]] = {
    "rent": {"en": "to rent", "tr": "kiralık"},
    "sale": {"en": "to buy", "tr": "satılık"},
    "apartment": {"en": "apartment", "tr": "daire"},
    "villa": {"en": "villa", "tr": "villa"},
    "house": {"en": "house", "tr": "ev"},
    "studio": {"en": "studio", "tr": "stüdyo"},
    "penthouse": {"en": "penthouse", "tr": "çatı katı"},
    "bungalow": {"en": "bungalow", "tr": "bungalov"},
    "furnished": {"en": "furnished", "tr": "eşyalı"},
    "unfurnished": {"en": "unfurnished", "tr": "eşyasız"},
    "or": {"en": " or ", "tr": " veya "},
}
REMEMBERED_LEADS = tuple(sentence.split("{", maxsplit=1)[0] for sentence in SENTENCES["remembered"].values())
OFFERS = tuple(SENTENCES["offer"].values())


def say(name: str, lang: Language, **values: str) -> str:
    """Return the sentence of that name with the values put in."""
    return SENTENCES[name][lang].format(**values)


def parts(search: Search, lang: Language, *, both_names: bool = False) -> dict[str, str]:
    """Return each named slot of `search` in words, in the order people say them."""
    worded = {
        "bedrooms": _bedrooms(search, lang),
        "furnished": _furnished(search.furnished, lang),
        "kind": _WORDS[search.kind][lang] if search.kind else None,
        "tenure": _WORDS[search.tenure][lang] if search.tenure else None,
        "place": _places(search.places, lang, both_names=both_names),
        "max_price_gbp": _price_bound(search, lang),
        "min_price_gbp": _least_price(search, lang),
    }
    if search.kind == "studio":
        worded["bedrooms"] = None
    return {slot: text for slot, text in worded.items() if text}


def summary(search: Search, lang: Language) -> str:
    """Return the whole search in words: `2 bedrooms, to rent, Girne (Kyrenia), up to £700 a month`."""
    both_names = lang == "en"
    avoided = "" if search.places else _avoided(search.avoid_places, lang)
    return ", ".join([*parts(search, lang, both_names=both_names).values(), *([avoided] if avoided else [])])


def widened(names: Iterable[str], lang: Language) -> str:
    """Return what was relaxed, as a clause."""
    *first, last = [WIDENED[name][lang] for name in names]
    return f"{', '.join(first)}{_AND[lang]}{last}" if first else last


def pounds(amount: int, lang: Language) -> str:
    """Return `£1,200`, or `£1.200` in Turkish."""
    return f"£{amount:,}" if lang == "en" else f"£{amount:,}".replace(",", ".")


def price(amount: int, tenure: str | None, lang: Language) -> str:
    """Return a price in words, per month for a rent."""
    if tenure != "rent":
        return pounds(amount, lang)
    return f"{pounds(amount, lang)} a month" if lang == "en" else f"ayda {pounds(amount, lang)}"


def listing_line(listing: Listing, lang: Language) -> str:
    """Return a listing in one line, with its reference."""
    head = listing.title if lang == "en" else f"{listing.place}, {_size_in_turkish(listing)}"
    furnished = _furnished(listing.furnished, lang)
    return (
        f"{head}: {price(listing.price_gbp, listing.tenure, lang)}, {listing.area_m2} m²,"
        f" {furnished} ({listing.reference})"
    )


def conversion(search: Search, lang: Language) -> str:
    """Return the note that the budget was converted, empty when it was said in pounds."""
    amount = search.max_price_gbp if search.max_price_gbp is not None else search.min_price_gbp
    if not search.converted_from or amount is None:
        return ""
    unit = search.converted_from.rpartition(" ")[2]
    said = search.converted_from if lang == "en" else search.converted_from.replace(",", ".")
    return say("converted", lang, said=said, pounds=pounds(amount, lang), rate=f"1 {unit} = {GBP_PER_UNIT[unit]:g}")


def _size_in_turkish(listing: Listing) -> str:
    kind = _WORDS.get(listing.kind, {}).get("tr", listing.kind)
    tenure = _WORDS[listing.tenure]["tr"]
    return f"{listing.bedrooms}+1 {tenure} {kind}" if listing.bedrooms else f"{tenure} {kind}"


def _bedrooms(search: Search, lang: Language) -> str | None:
    counted = search.bedroom_range
    if counted is None:
        return None
    least, most = counted
    if most >= MANY_BEDROOMS:
        return f"{least} or more bedrooms" if lang == "en" else f"en az {least} yatak odalı"
    count = str(most) if least == most else f"{least}-{most}"
    if lang == "tr":
        return f"{count} yatak odalı" if most else "stüdyo"
    if most == 0:
        return "studio"
    return f"{count} bedroom" if most == 1 else f"{count} bedrooms"


def _furnished(furnished: bool | None, lang: Language) -> str | None:  # a slot, not a switch
    return None if furnished is None else _WORDS["furnished" if furnished else "unfurnished"][lang]


def _places(places: tuple[str, ...], lang: Language, *, both_names: bool) -> str | None:
    return _WORDS["or"][lang].join(in_both_names(p) if both_names else p for p in places) or None


def _avoided(places: tuple[str, ...], lang: Language) -> str:
    if not places:
        return ""
    named = ", ".join(places)
    return f"not in {named}" if lang == "en" else f"{named} hariç"


def _price_bound(search: Search, lang: Language) -> str | None:
    if search.max_price_gbp is None:
        return None
    most = price(search.max_price_gbp, search.tenure, lang)
    if search.min_price_gbp is not None:
        return (
            f"{pounds(search.min_price_gbp, lang)} to {most}"
            if lang == "en"
            else f"{pounds(search.min_price_gbp, lang)} - {most}"
        )
    return f"up to {most}" if lang == "en" else f"en fazla {most}"


def _least_price(search: Search, lang: Language) -> str | None:
    if search.min_price_gbp is None or search.max_price_gbp is not None:
        return None
    least = price(search.min_price_gbp, search.tenure, lang)
    return f"from {least}" if lang == "en" else f"en az {least}"
