"""Whether what looks like a spelled e-mail address is one, or fits a plain sentence ("works at amazon.com") as well.

Knows words of sentences in five languages, and how much evidence each spelling of the signs needs.
"""

import re
from typing import Final

from assistant.memory.redaction import email_evidence as shown
from assistant.memory.redaction import email_words as known
from assistant.memory.redaction.patterns import compiled
from assistant.memory.redaction.spelled_signs import JOINED, JOINED_MAILBOX, JOINT, SPELLED

WINDOW: Final = 160
_CONTEXT: Final = 60
# A word for mail, and what leads from it to an address.
_ANNOUNCES: Final = compiled(
    rf"(?<![\w\[])(?:{known.MAIL})(?:[ ](?:is|ist|это|είναι|to|an|στο|στον|на))?[ ]?[:-]?[ ]?\Z"
)
_QUERY_SIGNS: Final = frozenset("=?&/")
UNMISTAKABLE: Final = frozenset({"tight", "bracket"})
_TELLING: Final = compiled(r"(?=.*[^\W\d_]).*[\d._+]|.+[ ]")
_ENDING: Final = compiled(r"[^\W\d_]{2,}\Z")
_KNOWN_ENDING: Final = compiled(rf"[.,][ ]?(?:{known.ENDINGS})\Z")
_COMMON_ENDING: Final = compiled(rf"(?<!\w)(?:{known.SPOKEN_ENDINGS})\Z")
_SURE_ENDING: Final = compiled(rf"(?<!\w)(?:{known.SURE_ENDINGS})\Z")
MAIL: Final = compiled(rf"(?<![\w\[])(?:{known.MAIL})(?!\w)")  # and no placeholder
# Stands in names of domains and seldom in sentences, as "at school Punkt eins" does.
_DOT_OF_NAMES: Final = compiled(r"\.|(?<![^\W_])d[o0]t(?![^\W_])")
_OWN_EVIDENCE: Final = shown.PROVIDER | shown.TELLING
_MAIL_AFTER: Final = compiled(known.MAIL_AFTER)


def is_of_a_sentence(text: str, match: re.Match[str], said: list[str]) -> bool:
    """Say whether nothing shows that a word of plain sentences before the sign ends a mailbox here."""
    has_provider = _host(match) in known.PROVIDERS
    if len(said[-1]) == 1:
        start = match.start() - 1
        is_whole = has_provider and _is_all_of_a_line(text, start, match.end())
        return not is_whole and not _is_announced(text, start)
    joint = said[-2] if len(said) > 1 else ""
    if not has_provider or JOINED.fullmatch(joint) is None:
        return True
    if joint in known.JOINT_OF_SENTENCES and not SPELLED.search(match["rest"] or match["ending"] or ""):
        return True
    mailbox = JOINED_MAILBOX.search(text, max(0, match.start() - WINDOW), match.start())
    return mailbox is None or known.PLAIN.issuperset(re.split(JOINT, mailbox.group()))


def is_doubtful(text: str, match: re.Match[str], start: int) -> bool:
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


def kind_of(match: re.Match[str]) -> str:
    """Return how the at sign is spelled."""
    return next(kind for kind, found in zip(shown.KINDS, match.group(*shown.KINDS), strict=True) if found is not None)


def is_believed(text: str, match: re.Match[str], mailbox: re.Match[str], kind: str) -> bool:
    """Say whether enough speaks for an address; the words around, the dearest to read, are asked last."""
    rest, evidence = match["rest"], _evidence(match, mailbox.group())
    if rest and not _ending_of(match, evidence).search(rest):
        return False
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
        | (shown.SPELLED if " " in mailbox or SPELLED.search(rest) else 0)
        | (shown.PROVIDER if _host(match) in known.PROVIDERS else 0)
        | (shown.KNOWN_ENDING if _KNOWN_ENDING.search(rest) else 0)
    )


def _ending_of(match: re.Match[str], evidence: int) -> re.Pattern[str]:
    """Return what the domain has to end with, which is more where the signs are words of plain sentences."""
    if match["bare"] is None:
        return _ENDING
    if match["host"] in known.DETERMINERS:
        return _SURE_ENDING  # "at some point in May"
    at = match["bare"].strip()
    if at == known.MEAT:
        return _COMMON_ENDING
    has_words_of_sentences = at in known.AT_OF_SENTENCES or (at == "at" and not _DOT_OF_NAMES.search(match["rest"]))
    return _COMMON_ENDING if has_words_of_sentences and not evidence & _OWN_EVIDENCE else _ENDING


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
    return before.strip() != "" and before.split()[-1] not in known.DETERMINERS and MAIL.search(before) is not None


def _is_all_of_a_line(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - _CONTEXT) : start], text[end : end + _CONTEXT]
    return not before.rpartition("\n")[2].strip() and not after.partition("\n")[0].strip(" .!")
