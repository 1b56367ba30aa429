"""What an e-mail address looks like when its at sign or dots are words, brackets or spaces, in five languages.

Knows how much evidence each spelling needs; refuses to guess where a plain sentence ("works at amazon.com") fits too.
"""

import re
from collections.abc import Iterator
from typing import Final

from assistant.memory.redaction import email_evidence as shown
from assistant.memory.redaction import email_words as known
from assistant.memory.redaction.patterns import compiled
from assistant.memory.redaction.views import Span, View

_OPEN, _CLOSE = r"\s?[\[({<\"']{1,2}\s?", r"\s?[\])}>\"']{1,2}\s?"
_JOINT_SIGNS: Final = r"[-_*|/=+~#:]{1,2}"
_RARE_JOINT_SIGNS: Final = "[=+~#:]"
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
_AT_DOMAIN: Final = compiled(
    rf"(?:{_AT})(?:(?P<host>{known.PARTED_PROVIDERS}|{_LABEL}|{_TWO_WORDS})"
    rf"(?P<rest>(?:(?:{_SPELLED_DOT}|\.(?=\w)|{_SPACED_DOT}){_LABEL}){{1,4}})"
    rf"|(?P<provider>{_PROVIDER})(?P<ending>[ ](?:com|net|ru|ру)(?!\w))?)"
    r"(?![^\W_]|[.]\w)"
)
# Where an at sign may be: cheap searches, so that the whole pattern is tried in few places.
_HINTS: Final = (
    compiled(
        rf"[@\[({{<\"'*_|/-](?:(?<=@)(?=[ ]{{0,2}}(?:[^\W_]++[-_ .,\[({{<*|]|{known.BARE_PROVIDERS}))"
        rf"|(?<!@)\s?(?:{known.SURE_AT}|{known.DOUBTFUL_AT})\s?[\])}}>\"'*_|/-])"
    ),
    compiled(
        rf"[ ](?=[{known.BARE_AT_INITIALS}])(?:{known.BARE_AT})[ ]{{1,3}}"
        rf"(?=[^\W_]++(?:[^\w ]|_|[ ]{{1,3}}(?:[^\w ]|_|(?:[^\W_]++[ ]{{1,3}})?(?:{known.DOT})[ ]))"
        rf"|(?:{known.BARE_PROVIDERS}|(?:mail|bk|inbox)[ ](?:ru|ру))(?![^\W\d]))"  # a number there may go
    ),
    compiled(rf"at{_RARE_JOINT_SIGNS}"),
)
# A written address and nothing that would lengthen it: for `find_emails` to find.
_WRITTEN: Final = compiled(
    rf"@[^\W_]++(?:\.[^\W_]++){{1,4}}+(?!\w|\s?[\[({{<]|[ ]?[-_*|]|[ ]?[.,][ ]?\w|[ ]{{1,3}}(?:{known.DOT})[ ])"
)
_MOST_SPACES: Final = 3
_ATOM: Final = r"[\w+%](?:[\w.+%'-]*[\w+%])?"
_JOINT: Final = rf"(?:{_OPEN}(?:{known.JOINT}|[._-]){_CLOSE}|[ ]{{1,3}}(?:{known.JOINT})[ ]{{1,3}}|[ ][._][ ])"
_LAST: Final = compiled(r"[\w+%]")  # of any mailbox
_MAILBOX: Final = compiled(rf"(?<![\w.+%'-]){_ATOM}\Z")
_JOINED_MAILBOX: Final = compiled(rf"(?<![\w.+%'-])(?:{_ATOM}{_JOINT}){{1,4}}{_ATOM}\Z")
_JOINED: Final = compiled(rf"(?:{known.JOINT})|.*[\])}}>]|[._-]")
_BRACKETED: Final = compiled(r"[(\])}>]")
_TELLING: Final = compiled(r"(?=.*[^\W\d_]).*[\d._+]|.+[ ]")
_SPELLED: Final = compiled(rf"{_SPELLED_DOT}|[ ,]")
_ENDING: Final = compiled(r"[^\W\d_]{2,}\Z")
_KNOWN_ENDING: Final = compiled(rf"[.,][ ]?(?:{known.ENDINGS})\Z")
_COMMON_ENDING: Final = compiled(rf"(?<!\w)(?:{known.ENDINGS})\Z")
_SURE_ENDING: Final = compiled(rf"(?<!\w)(?:{known.SURE_ENDINGS})\Z")
_MAIL: Final = compiled(rf"(?<![\w\[])(?:{known.MAIL})(?!\w)")  # and no placeholder
# A word that nothing but the name of a mailbox goes before.
_FIRST_OF_TWO: Final = compiled(
    rf"(?:\A|\n|[:;,.!?] ?|(?<!\w)(?:{known.MAIL})[ ](?:is[ ])?)(?P<word>[^\W\d_]{{2,20}})[ ]\Z"
)
_MAIL_AFTER: Final = compiled(known.MAIL_AFTER)
_LETTERS: Final = compiled(
    r"(?<!\w)(?<!\w[ ])(?:[^\W_][ ]){2,64}+@(?:[ ][^\W_]){2,64}+(?:[ ]\.(?:[ ][^\W_]){2,12}){1,3}(?![^\W_])"
)
_WINDOW: Final = 160
_CONTEXT: Final = 60


# A word for mail, and what leads from it to an address.
_ANNOUNCES: Final = compiled(
    rf"(?<![\w\[])(?:{known.MAIL})(?:[ ](?:is|ist|это|είναι|to|an|στο|στον|на))?[ ]?[:-]?[ ]?\Z"
)
_QUERY_SIGNS: Final = frozenset("=?&/")
_UNMISTAKABLE: Final = frozenset({"tight", "bracket"})


def may_be_spelled(text: str) -> bool:
    """Say whether something in a folded text can stand for an at sign."""
    signs, words, joints = _HINTS
    return bool(signs.search(text) or words.search(text) or joints.search(text))


def find_spelled_emails(view: View) -> Iterator[Span]:
    """Yield the places, in the original, of addresses whose signs are spelled out, bracketed or spaced."""
    text = view.text
    done = 0
    for at in sorted([hint.start() for pattern in _HINTS for hint in pattern.finditer(text)]):
        if at < done or _is_written(text, at, done):
            continue
        match = _AT_DOMAIN.match(text, _beginning(text, at))
        start = _mailbox_start(text, match, done) if match else None
        if match and start is not None:
            done = match.end()
            yield view.span(start, done)
    if " @ " in text:
        yield from (view.span(*match.span()) for match in _LETTERS.finditer(text))


def _is_written(text: str, at: int, done: int) -> bool:
    """Say whether an address has nothing spelled out, so that it is not for this search; not to be sure is no."""
    if _WRITTEN.match(text, at) is None or text[at - 1 : at] == " ":
        return False
    said = _said(text, at, done)
    return not said or not _is_joined(said)


def _said(text: str, at: int, done: int) -> list[str]:
    """Return the last word before `at`, after the one before it and what else there is within reach."""
    return text[max(done, at - _WINDOW) : at].rsplit(None, 2)


def _is_joined(said: list[str]) -> bool:
    """Say whether the last words are a mailbox with a sign that is spelled out or bracketed."""
    return (len(said) > 1 and _JOINED.fullmatch(said[-2]) is not None) or _BRACKETED.search(said[-1]) is not None


def _beginning(text: str, at: int) -> int:
    """Return where what may stand for an at sign begins: before a doubled bracket or joint, and spaces."""
    if text[at] == "a":
        return _before_spaces(text, at - 1)
    is_doubled = text[at] not in "@ " and text[at - 1 : at] == text[at]
    return _before_spaces(text, at - is_doubled)


def _before_spaces(text: str, at: int) -> int:
    for _ in range(_MOST_SPACES):
        if text[at - 1 : at] != " ":
            break
        at -= 1
    return at


def _mailbox_start(text: str, match: re.Match[str], done: int) -> int | None:
    """Return where the address around this at sign and domain begins, or None where a sentence fits as well."""
    at = match.start()
    if _LAST.match(text, at - 1) is None:
        return None
    said = _said(text, at, done)
    if not said:
        return None
    kind = _kind(match)
    if said[-1] in known.PLAIN and kind not in _UNMISTAKABLE and _is_of_a_sentence(text, match, said):
        return None
    window = max(done, at - _WINDOW)
    is_joined = _is_joined(said)
    if kind == "tight" and not is_joined and not _SPELLED.search((match["host"] or "") + (match["rest"] or " ")):
        return None
    mailbox = _JOINED_MAILBOX.search(text, window, at) if is_joined else None
    mailbox = mailbox or _MAILBOX.search(text, max(window, at - len(said[-1])), at)
    if mailbox is None or not _is_believed(text, match, mailbox, kind):
        return None
    may_have_two = kind == "bare" and mailbox.group().isalpha()
    start = _first_word_start(text, window, mailbox.start()) if may_have_two else mailbox.start()
    return None if _is_doubtful(text, match, start) else start


def _is_of_a_sentence(text: str, match: re.Match[str], said: list[str]) -> bool:
    """Say whether nothing shows that a word of plain sentences before the sign ends a mailbox here."""
    has_provider = _host(match) in known.PROVIDERS
    if len(said[-1]) == 1:
        start = match.start() - 1
        is_whole = has_provider and _is_all_of_a_line(text, start, match.end())
        return not is_whole and not _is_announced(text, start)
    joint = said[-2] if len(said) > 1 else ""
    if not has_provider or _JOINED.fullmatch(joint) is None:
        return True
    if joint in known.JOINT_OF_SENTENCES and not _SPELLED.search(match["rest"] or match["ending"] or ""):
        return True
    mailbox = _JOINED_MAILBOX.search(text, max(0, match.start() - _WINDOW), match.start())
    return mailbox is None or known.PLAIN.issuperset(re.split(_JOINT, mailbox.group()))


def _is_doubtful(text: str, match: re.Match[str], start: int) -> bool:
    """Tell a domain of two words nobody announces, and a search ("?q=flats+at+gmail.com"), from an address."""
    if match["two"] is not None:
        is_named = known.NO_NAMES.isdisjoint(match["two"].split())
        return match["bare"] is None or not is_named or not _is_announced(text, start)
    has_query_signs = match["doubtful"] is not None and match["doubtful"].strip()[0] in "=+"
    return has_query_signs and text[max(0, start - 1) : start] in _QUERY_SIGNS


def _is_announced(text: str, start: int) -> bool:
    return _ANNOUNCES.search(text, max(0, start - _CONTEXT), start) is not None


def _host(match: re.Match[str]) -> str:
    """Return the first label of the domain, or the provider named without one, as a provider writes it."""
    host: str = match["host"] or match["provider"]
    return host.replace(" ", "").replace("-", "")


def _first_word_start(text: str, window: int, start: int) -> int:
    """Return where a mailbox of two words begins ("selin kaya et gmail nokta com"); `start` where it has one."""
    first = _FIRST_OF_TWO.search(text, window, start)
    if first is None or first["word"] in known.NO_NAMES or _MAIL.fullmatch(first["word"]):
        return start
    return first.start("word")


def _kind(match: re.Match[str]) -> str:
    return next(kind for kind, found in zip(shown.KINDS, match.group(*shown.KINDS), strict=True) if found is not None)


def _is_believed(text: str, match: re.Match[str], mailbox: re.Match[str], kind: str) -> bool:
    """Say whether enough speaks for an address; the words around, the dearest to read, are asked last."""
    rest = match["rest"]
    if rest and not _ending_of(match).search(rest):
        return False
    evidence = _evidence(match, mailbox.group())
    if shown.is_enough(evidence, kind):
        return True
    return shown.is_enough(evidence | shown.MAIL, kind) and _speaks_of_mail(text, mailbox.start(), match.end())


def _evidence(match: re.Match[str], mailbox: str) -> int:
    """Collect what the address itself says for being one."""
    telling = shown.TELLING if _TELLING.fullmatch(mailbox) else 0
    rest = match["rest"]
    if rest is None:
        return telling | (shown.PROVIDER if _is_tight(match) else 0)
    return (
        telling
        | shown.DOTTED
        | (shown.SPELLED if " " in mailbox or _SPELLED.search(rest) else 0)
        | (shown.PROVIDER if _host(match) in known.PROVIDERS else 0)
        | (shown.KNOWN_ENDING if _KNOWN_ENDING.search(rest) else 0)
    )


def _ending_of(match: re.Match[str]) -> re.Pattern[str]:
    """Return what the domain has to end with, which is more where the signs are words of plain sentences."""
    if match["bare"] is not None and match["host"] in known.DETERMINERS:
        return _SURE_ENDING  # "at some point in May"
    return _COMMON_ENDING if _is_meat(match) else _ENDING


def _is_meat(match: re.Match[str]) -> bool:
    """Say whether the word for "at" is one of plain Turkish, too; it is none before an uncommon ending."""
    return match["bare"] is not None and match["bare"].strip() == "et"


def _is_tight(match: re.Match[str]) -> bool:
    """Say whether a provider without a dot follows an at sign nobody can read as a word ("ali@gmail")."""
    if match["ending"] is not None:
        return True
    is_word = match["bare"] is not None and match["bare"].strip() not in known.NAMED_AT
    return not is_word and match["before"] is None


def _speaks_of_mail(text: str, start: int, end: int) -> bool:
    if _MAIL_AFTER.match(text, end):
        return True
    if _is_all_of_a_line(text, start, end):
        return True
    before = text[max(0, start - _CONTEXT) : start]
    return before.strip() != "" and before.split()[-1] not in known.DETERMINERS and _MAIL.search(before) is not None


def _is_all_of_a_line(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - _CONTEXT) : start], text[end : end + _CONTEXT]
    return not before.rpartition("\n")[2].strip() and not after.partition("\n")[0].strip(" .!")
