"""What a message is trying to do, by patterns over folded text in English and Turkish; knows no history."""

import re

from assistant.replies.text import fold

_PATTERNS: dict[str, str] = {
    "hand_off": (
        r"\b(?:(?:talk|chat|speak|ask)(?: to you)? about (?:something|anything) (?:else|different)"
        r"|(?:change|switch) (?:the )?(?:subject|topic)"
        r"|(?:different|another|new) (?:subject|topic)|(?:stop|quit|cancel|end|drop|done with"
        r"|enough (?:of|with)) (?:the |this |my |your )?"
        r"(?:(?:looking|searching|search|hunting|hunt)(?: for)?|flats?|apartments?|houses?|homes?"
        r"|property|properties|villas?|listings?)"
        r"|(?:not|no longer|don'?t want to be|am not) looking (?:for (?:an? "
        r"|any )?(?:\w{1,12} )?(?:flats?|apartments?|houses?|homes?|propert\w{1,3}|places?)"
        r"|any ?more)|forget (?:about )?(?:the |this |my )?(?:search|flats?|apartments?|houses?"
        r"|property|properties|real estate)"
        r"|(?:let'?s|can we|could we) (?:do|discuss) something else|something else (?:please|now)"
        r"|baska (?:bir )?(?:sey|konu)\w{0,6}"
        r"(?: (?:hakkinda|konus\w{0,8}|sor\w{0,8}|gec\w{0,8}))|(?:konuyu|konu) degis\w{1,8}"
        r"|aramayi (?:birak|kes|durdur|iptal)\w{0,8}"
        r"|(?:ev|daire) ara(?:mayi|maktan) (?:birak|vazgec|kes)\w{0,8}|(?:ev|daire) aramiyorum)\b"
        r"|^ ?something else[ .!]*$|^ ?baska bir (?:sey|konu)[ .!]*$"
    ),
    "restart": (
        r"\b(?:start (?:over|again|afresh)|(?:a )?new search|reset(?: (?:the|my) search)?|from scratch"
        r"|clear (?:the|my) search|bastan (?:basla|ara)\w{0,8}"
        r"|sifirdan|yeni (?:bir )?arama)\b"
    ),
    "resume": (
        r"\b(?:(?:continue|resume|go on with|back to|pick up|keep) (?:with )?(?:my |the |that |our "
        r"|to )?(?:\w{1,10} )?(?:search\w{0,3}|looking|flats?|homes?|propert\w{1,3})"
        r"|(?:my|same|previous|last|usual|remembered) search|same as (?:before|last time)"
        r"|what i (?:was|am) looking for|(?:aramaya|aramama) (?:devam|don)\w{0,6}"
        r"|(?:ayni|onceki) arama\w{0,4}|kaldigimiz yerden)\b|^ ?(?:continue|resume|devam(?: et"
        r"| edelim)?)[ .!]*$"
    ),
    "memory": (
        r"\b(?:what (?:do|did|can|else do) you (?:remember|know|recall)(?! about (?!me|my))|(?:do|can"
        r"|did) you (?:still )?remember (?:me|my|what|anything|who)|what have i told you"
        r"|what did i (?:tell|say)|what you (?:remember|know) about me|remember (?:about )?me\b ?\?"
        r"|hakkimda ne\w{0,3} (?:biliyor|hatirliyor)\w{0,4}"
        r"|beni hatirliyor\w{0,4}|neleri? hatirliyor\w{0,4}|ne hatirliyor\w{0,4}|benimle ilgili ne\w{0,3})"
    ),
    "privacy": (
        r"\b(?:(?:delete|erase|forget|export|download|remove) (?:all )?(?:me|my (?:data|account|memory"
        r"|information|history|messages)|everything (?:you know )?about me)"
        r"|(?:my |data )privacy|gdpr|verilerimi (?:sil|indir)\w{0,6}|beni unut\w{0,4}"
        r"|bilgilerimi sil\w{0,6}|hakkimdaki her ?seyi sil\w{0,6})\b"
    ),
    "greeting": (
        r"^ ?(?:hi|hii+|hello|hey|hiya|good (?:morning|afternoon|evening|day)|greetings|howdy"
        r"|merhaba\w{0,3}|selam\w{0,3}|iyi (?:gunler|aksamlar|geceler)|gunaydin"
        r"|slm|mrb|alo)\b"
    ),
    "how_are_you": r"\b(?:how are you|how'?s it going|how do you do|nasilsin\w{0,3}|naber|ne haber)\b",
    "thanks": r"\b(?:thanks?|thank you|thx|cheers|great job|tesekkur\w{0,5}|sag ?ol\w{0,4}|eyvallah)\b",
    "goodbye": r"^ ?(?:(?:ok|okay|tamam)[ ,]{0,2})?(?:bye|goodbye|good ?night|see (?:you|ya)|gorusuruz"
    r"|hosca ?kal\w{0,4}|gule gule|bay bay)\b",
    "help": r"^ ?(?:help(?: me)?|yardim(?: et)?|menu)[ .!?]*$|\b(?:what can you (?:do|help)|how (?:do"
    r"|can) (?:i use|you help)|(?:neler|ne) yapabil\w{1,8}|nasil yardim)\b",
    "identity": r"\b(?:who are you|what are you|are you (?:a |an )?(?:human|bot|robot|ai|person|real)"
    r"|(?:your|ur) name|kimsin\w{0,4}|adin ne|bot musun|insan misin|robot musun)\b",
    "more": (
        r"^ ?(?:(?:yes|ok|okay|sure|evet|tamam|please)[ ,]{1,2})?(?:more|next|others?|another"
        r"|any (?:more|others?)|(?:some|a few) more|keep going|go on|daha|digerleri|diger"
        r"|devami\w{0,2}|baska|baskalari"
        r"|sonraki\w{0,4})(?: (?:please|one|ones|options?|listings?|flats?|results?|lutfen|var mi"
        r"|goster\w{0,4}|ilan\w{0,4}|secenek\w{0,4}))*[ .!?]*$"
        r"|\b(?:(?:show|see|give|send|list|got|have|are there)(?: \w{1,6}){0,2} (?:more|others?"
        r"|another|the next)|more (?:options|listings|results|flats|apartments|houses|villas|homes"
        r"|please|like)"
        r"|(?:other|different) (?:options|listings|ones|results|flats|apartments)|anything else"
        r"|what else|daha fazla|baska bir sey var mi|baska (?:ilan|secenek|daire|ev|ne|neler"
        r"|var)\w{0,4}|daha var mi|diger (?:ilan|secenek)\w{0,4})\b"
    ),
    "tell_more": r"\b(?:tell me more|more about (?:it|that|this)|go into detail|daha fazla bilgi|biraz daha anlat)\b",
    "cheaper": r"\b(?:cheaper(?! than)|less expensive|too (?:expensive|pricey|dear)|lower (?:price"
    r"|rent)|daha (?:ucuz|uygun|hesapli)|cok pahali|pahali geldi|ucuzu)\b",
    "yes": r"^ ?(?:yes|yeah|yep|yup|sure|ok|okay|please|please do|go ahead|of course|evet|tamam|olur"
    r"|tabii?(?: ki)?|lutfen|aynen|peki)(?:[ ,]{1,2}(?:please|continue|sure|lutfen|do|do it"
    r"|devam(?: et| edelim)?|olur|go ahead))?[ .!]*$",
    "no": r"^ ?(?:no|nope|nah|not now|no thanks?|no thank you|not really|hayir|yok|istemiyorum"
    r"|gerek yok|simdi degil)(?:[ ,]{1,2}(?:thanks?|thank you|tesekkur\w{0,5}|sag ?ol))?[ .!]*$",
    "seeking": (
        r"\b(?:looking for|look for|(?<!do i )need|(?<!do i )want|searching|search for|find me"
        r"|help me find|show me|show|interested in|i'?d like|ariyor\w{0,3}|istiyor\w{0,3}|lazim"
        r"|bul(?:ur|abilir)?\w{0,6}"
        r"|goster\w{0,6}|bakiyor\w{0,3}|any|available|var mi|olan)\b"
    ),
    "homes": (
        r"\b(?:real ?estate|propert(?:y|ies)|accommodation|listings?|somewhere to (?:live|stay)"
        r"|(?:a )?place to (?:live|rent|buy|stay)|looking for a (?:place|home)|find (?:me )?a (?:place|home)"
        r"|homes?|emlak\w{0,4}|konut\w{0,4}|ilan(?:lar)?\w{0,3}|kalacak yer|oturacak yer|yasayacak yer"
        r"|bedrooms?)\b"
    ),
    "question": (
        r"\b(?:how|where|what|when|which|why|who|do i|should i|can i|is there|are there|is it|nasil"
        r"|nerede\w{0,3}|nereye|nereden|ne zaman|neresi|hangi|kac|neden|mi|mu|misin|gerekir|gerekli"
        r"|lazim mi)\b|\?"
    ),
    "details": r"\b(?:details?|tell me (?:more )?about|more about|describe|info on|interested in"
    r"|(?:i )?like|the|detay\w{0,3}|bilgi|hakkinda|ilan)\b",
    "out_of_scope": r"\b(?:land|plots?|arsa\w{0,4}|arazi\w{0,4}|tarla\w{0,3}|(?<=a )shop"
    r"|(?<=an )office|dukkan\w{0,4}|ofis\w{0,4}|is ?yeri|warehouse|hotels?|otel\w{0,4}"
    r"|commercial)\b",
}
INTENTS: dict[str, re.Pattern[str]] = {name: re.compile(pattern) for name, pattern in _PATTERNS.items()}


def intents_of(text: str) -> frozenset[str]:
    """Return the name of every intent that `text` shows; they may overlap, routing decides between them."""
    folded = fold(text)
    return frozenset(name for name, pattern in INTENTS.items() if pattern.search(folded))
