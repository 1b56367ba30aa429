"""How the signs of an e-mail address are spelled: as words, in brackets, apart; patterns only, which judge nothing."""

from typing import Final

from assistant.memory.redaction import email_words as known
from assistant.memory.redaction.patterns import compiled

_OPEN, _CLOSE = r"\s?[\[({<\"']{1,2}\s?", r"\s?[\])}>\"']{1,2}\s?"
_JOINT_SIGNS: Final = r"[-_*|/=+~#:]{1,2}"
RARE_JOINT_SIGNS: Final = "=+~#:"
_RARE_JOINT_SIGNS: Final = f"[{RARE_JOINT_SIGNS}]"
_MOST_HYPHENS: Final = 16  # or each sign of "-at-at-at" would have all of the rest read
_LABEL: Final = rf"[^\W_]++(?:[-_]++(?!(?:{known.DOT})[-_])[^\W_]++){{0,{_MOST_HYPHENS}}}+"
_SPELLED_DOT: Final = (
    rf"{_OPEN}(?:{known.DOT}|\.){_CLOSE}|[ ]{{1,3}}(?:{known.DOT})[ ]{{1,3}}"
    rf"|[ ]?{_JOINT_SIGNS}(?:{known.DOT}){_JOINT_SIGNS}[ ]?"
)
_SPACED_DOT: Final = (
    rf"[ ]\.[ ](?=(?:{known.ENDINGS})(?!\w))|(?:[ ][.,]|[.,][ ]?)(?=(?:{known.WORDLESS_ENDINGS})(?!\w))"
)
_AT: Final = (
    rf"(?P<bracket>{_OPEN}(?:{known.SURE_AT}){_CLOSE})"
    rf"|(?P<doubtful>{_OPEN}(?:{known.DOUBTFUL_AT}){_CLOSE}"
    rf"|[ ]?[-_*|/]{{1,2}}(?:{known.SURE_AT})[-_*|/]{{1,2}}[ ]?|[ ]?{_RARE_JOINT_SIGNS}at{_RARE_JOINT_SIGNS}[ ]?)"
    rf"|(?P<bare>[ ]{{1,3}}(?:{known.BARE_AT})[ ]{{1,3}})"
    r"|(?P<after>(?<!\s)@[ ]{1,2})|(?P<around>[ ]{1,2}@[ ]{1,2})|(?P<before>[ ]{1,2}@)|(?P<tight>@)"
)
_PROVIDER: Final = rf"{known.BARE_PROVIDERS}|(?:mail|bk|inbox)(?=[ ](?:ru|ру))"
_WORD: Final = r"[^\W\d_]{2,20}"
_TWO_WORDS: Final = rf"(?P<two>(?!(?:{_PROVIDER})(?!\w)){_WORD}[ ]{_WORD}(?=[ ]{{1,3}}(?:{known.DOT})[ ]))"
AT_DOMAIN: Final = compiled(
    rf"(?:{_AT})(?:(?P<host>{known.PARTED_PROVIDERS}|{_LABEL}|{_TWO_WORDS})"
    rf"(?P<rest>(?:(?:{_SPELLED_DOT}|\.(?=\w)|{_SPACED_DOT}){_LABEL}){{1,4}})"
    rf"|(?P<provider>{_PROVIDER})(?P<ending>[ ](?:com|net|ru|ру)(?!\w))?)"
    r"(?![^\W_]|[.]\w)"
)
# Where an at sign may be: cheap searches, so that the whole pattern is tried in few places.
HINTS: Final = (
    compiled(
        rf"[@\[({{<\"'*_|/=+~#:-](?:(?<=@)(?=[ ]{{0,2}}(?:[^\W_]++[-_ .,\[({{<*|]|{known.BARE_PROVIDERS}))"
        rf"|(?<=at{_RARE_JOINT_SIGNS})|(?<![@=+~#:])\s?(?:{known.SURE_AT}|{known.DOUBTFUL_AT})\s?[\])}}>\"'*_|/-])"
    ),
    compiled(
        rf"[ ](?={known.BARE_AT_BEGINNINGS})(?:{known.BARE_AT})(?:[ ]{{1,3}}|,[ ])"
        rf"(?=[^\W_]++(?:[^\w ]|_|[ ]{{1,3}}(?:[^\w ]|_|(?:[^\W_]++[ ]{{1,3}})?(?:{known.DOT})[ ]|[^\W_][ ]))"
        rf"|(?:{known.BARE_PROVIDERS}|(?:mail|bk|inbox)[ ](?:ru|ру))(?![^\W\d]))"  # a number there may go
    ),
)
_ATOM: Final = r"[\w+%](?:[\w.+%'-]*[\w+%])?"
JOINT: Final = rf"(?:{_OPEN}(?:{known.JOINT}|[._-]){_CLOSE}|[ ]{{1,3}}(?:{known.JOINT})[ ]{{1,3}}|[ ][._][ ])"
MAILBOX: Final = compiled(rf"(?<![\w.+%'-]){_ATOM}\Z")
JOINED_MAILBOX: Final = compiled(rf"(?<![\w.+%'-])(?:{_ATOM}{JOINT}){{1,4}}{_ATOM}\Z")
JOINED: Final = compiled(rf"(?:{known.JOINT})|.*[\])}}>]|[._-]")
BRACKETED: Final = compiled(r"[(\])}>]")
SPELLED: Final = compiled(rf"{_SPELLED_DOT}|[ ,]")
