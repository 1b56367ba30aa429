"""Finds e-mail addresses whose at sign or dots are words, brackets or spaces: where they begin and end.

How the signs are spelled is `spelled_signs`' to know, and whether a plain sentence fits as well, `email_sentences`'.
"""

import re
from typing import Final

from assistant.memory.redaction import email_words as known
from assistant.memory.redaction.email_sentences import (
    MAIL,
    UNMISTAKABLE,
    WINDOW,
    is_believed,
    is_doubtful,
    is_of_a_sentence,
    kind_of,
)
from assistant.memory.redaction.emails import find_emails
from assistant.memory.redaction.patterns import compiled
from assistant.memory.redaction.pieced_emails import IN_PIECES, made_whole
from assistant.memory.redaction.spelled_signs import (
    AT_DOMAIN,
    BRACKETED,
    HINTS,
    JOINED,
    JOINED_MAILBOX,
    MAILBOX,
    RARE_JOINT_SIGNS,
    SPELLED,
)
from assistant.memory.redaction.views import Span, View

_AROUND, _WORDS = HINTS
# A written address and nothing that would lengthen it: for `find_emails` to find.
_WRITTEN: Final = compiled(
    rf"@[^\W_]++(?:\.[^\W_]++){{1,4}}+(?!\w|\s?[\[({{<]|[ ]?[-_*|]|[ ]?[.,][ ]?\w|[ ]{{1,3}}(?:{known.DOT})[ ])"
)

_LAST: Final = compiled(r"[\w+%]")  # of any mailbox
_MOST_SPACES: Final = 3
_LENGTH_OF_JOINED: Final = 3  # of "=at" in "ali=at=gmail.com"
# A word that nothing but the name of a mailbox goes before.
_FIRST_OF_TWO: Final = compiled(
    rf"(?:\A|\n|[:;,.!?] ?|(?<!\w)(?:{known.MAIL})[ ](?:is[ ])?)(?P<word>[^\W\d_]{{2,20}})[ ]\Z"
)


def may_be_spelled(text: str) -> bool:
    """Say whether something in a folded text can stand for an at sign."""
    return bool(_AROUND.search(text) or _WORDS.search(text))


def find_spelled_emails(view: View) -> list[Span]:
    """Return the places, in the original, of addresses whose signs are spelled out, bracketed or spaced."""
    spans, places = _read(view)
    if places:
        whole = made_whole(view, places)
        spans += [] if whole is view else [*find_emails(whole), *_read(whole)[0]]
    return spans


def _read(view: View) -> tuple[list[Span], list[int]]:
    """Return the places of addresses in the original, and those of signs in the view where one may be in pieces."""
    text, is_in_pieces = view.text, IN_PIECES.match
    spans, places, done = [], [], 0
    for at in sorted([hint.start() for pattern in HINTS for hint in pattern.finditer(text)]):
        if at < done or _is_written(text, at, done):
            continue
        if is_in_pieces(text, at):
            places.append(at)
        match = AT_DOMAIN.match(text, _beginning(text, at))
        start = _mailbox_start(text, match, done) if match else None
        if match and start is not None:
            done = match.end()
            spans.append(view.span(start, done))
    return spans, places


def _is_written(text: str, at: int, done: int) -> bool:
    """Say whether an address has nothing spelled out, so that it is not for this search; not to be sure is no."""
    if _WRITTEN.match(text, at) is None or text[at - 1 : at] == " ":
        return False
    said = _said(text, at, done)
    return not said or not _is_joined(said)


def _said(text: str, at: int, done: int) -> list[str]:
    """Return the last word before `at`, after the one before it and what else there is within reach."""
    return text[max(done, at - WINDOW) : at].rsplit(None, 2)


def _is_joined(said: list[str]) -> bool:
    """Say whether the last words are a mailbox with a sign that is spelled out or bracketed."""
    has_joint = len(said) > 1 and JOINED.fullmatch(said[-2]) is not None
    return has_joint or BRACKETED.search(said[-1]) is not None


def _beginning(text: str, at: int) -> int:
    """Return where what may stand for an at sign begins: before a doubled bracket or joint, and spaces."""
    if text[at] in RARE_JOINT_SIGNS:
        return _before_spaces(text, at - _LENGTH_OF_JOINED)
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
    kind = kind_of(match)
    if said[-1] in known.PLAIN and kind not in UNMISTAKABLE and is_of_a_sentence(text, match, said):
        return None
    window = max(done, at - WINDOW)
    is_joined = _is_joined(said)
    if kind == "tight" and not is_joined and not SPELLED.search((match["host"] or "") + (match["rest"] or " ")):
        return None
    mailbox = JOINED_MAILBOX.search(text, window, at) if is_joined else None
    mailbox = mailbox or MAILBOX.search(text, max(window, at - len(said[-1])), at)
    if mailbox is None or not is_believed(text, match, mailbox, kind):
        return None
    may_have_two = kind == "bare" and mailbox.group().isalpha()
    start = _first_word_start(text, window, mailbox.start()) if may_have_two else mailbox.start()
    return None if is_doubtful(text, match, start) else start


def _first_word_start(text: str, window: int, start: int) -> int:
    """Return where a mailbox of two words begins ("selin kaya et gmail nokta com"); `start` where it has one."""
    first = _FIRST_OF_TWO.search(text, window, start)
    if first is None or first["word"] in known.NO_NAMES or MAIL.fullmatch(first["word"]):
        return start
    return first.start("word")
