"""What a written e-mail address looks like: something around an `@`; knows nothing of addresses spelled in words.

The mailbox is RFC 5322's atom or quoted string, widened to any letter (RFC 6531); domains may have any ending.
"""

import re
from collections.abc import Iterator
from typing import Final

from assistant.memory.redaction import email_words as known
from assistant.memory.redaction.patterns import compiled
from assistant.memory.redaction.views import Span, View
from assistant.memory.redaction.wordlists import words

_END: Final = r"(?:xn--[a-z0-9-]*[a-z0-9]|[^\W\d_][^\W_]++)"
_DOMAIN_AFTER_AT: Final = compiled(
    rf"@(?:(?=\w)(?P<name>[\w-]++\.(?:(?:[\w-]++\.)*{_END}|\.{{1,2}}(?:{known.SURE_ENDINGS})(?!\w)))"
    rf"|\[(?P<literal>(?:ipv6:)?[0-9a-f:.]{{3,45}})\]"
    rf"|[ ]?\r?\n(?P<next_line>(?:[\w-]++\.){{1,4}}+(?:{known.SURE_ENDINGS})(?!\w)))"
)
_SURE_ENDING: Final = compiled(rf"\.(?:{known.SURE_ENDINGS})\Z")
_MOST_SIGNS: Final = 3  # john@@gmail.com
_GLUED_NUMBER: Final = compiled(rf"(?:{known.SURE_ENDINGS})(?=(?:0|90|00\d{{2}})\d{{10}}\Z)")
_REVERSED_MAILBOX: Final = compiled(r"[\w.!#$%&'*+/=?^`{|}~-]+")
_REVERSED_QUOTED: Final = compiled(r'"[^"\n]{1,64}"')
_MAILBOX_ABOVE: Final = compiled(
    r"(?<![\w.!#$%&'*+/=?^`{|}~-])(?=[^\s@]*[^\W\d_])(?=[^\s@]*[\d._+-][^\W_])[\w+][\w.+-]*[^\W_](?=[ ]?\r?\n\Z)"
)
_LONGEST_ABOVE: Final = 66
_LEADING_SIGNS: Final = ".'!#$%&*/=?^`{|}~-"
_URL_SIGNS: Final = compiled(r"//|[?&]\w+=|^/?(?:[\w-]+\.)+[a-z]{2,}/")
_FIELD: Final = compiled(
    rf"\W*(?:{words('e-mail email mail eposta e-posta to from cc bcc user username login contact address')})="
)
_NOT_A_DOMAIN: Final = compiled(r"[1-4](?:\.\d)?x\.(?:png|jpe?g|webp|gif|svg|avif)")  # logo@2x.png
_GENERIC_ENDINGS: Final = frozenset({"com", "net", "org"})
_LONGEST_COUNTRY_ENDING: Final = 3


def find_emails(view: View) -> Iterator[Span]:
    """Yield the places, in the original, of addresses written with an at sign and a dotted domain."""
    text = view.text
    done = 0
    for match in _DOMAIN_AFTER_AT.finditer(text):
        at = match.start()
        if text[at - 1 : at] == "@":
            at = _first_sign(text, at, done)
        start = _mailbox_start(text, max(done, text.rfind("@", done, at) + 1), at, done)
        if start is None and text[at - 1 : at] == "\n":
            start = _mailbox_above(text, match, done)
        if start is None or _is_no_mailbox(text, start, match) or _is_doubtful(text[start:at], at, match):
            continue
        done = _domain_end(view, match)
        yield view.span(start, done)


def _first_sign(text: str, at: int, done: int) -> int:
    """Return where an at sign that slipped in several times stands first."""
    first = max(done, at - _MOST_SIGNS + 1)
    return first + len(text[first:at].rstrip("@"))


def _is_doubtful(mailbox: str, at: int, match: re.Match[str]) -> bool:
    """Tell an address with a doubled sign or a line break after it from what only looks like one."""
    if match["next_line"] is not None:
        return not mailbox[-1].isalnum() or mailbox in known.PLAIN
    return at != match.start() and _SURE_ENDING.search(match["name"] or "") is None


def _mailbox_start(text: str, after: int, at: int, done: int) -> int | None:
    """Return where the mailbox ending at `at` begins, or None if there is none."""
    if text[at - 1 : at] == '"':
        quoted = _REVERSED_QUOTED.match(text[max(done, at - 66) : at][::-1])
        if quoted:
            return at - quoted.end()
    run = _REVERSED_MAILBOX.match(text[after:at][::-1])
    if run is None:
        return None
    start = at - run.end()
    local = text[start:at]
    kept = local[_lead(local) :]
    if kept:
        return at - len(kept)
    return None if _is_rest_of_url(text[start - 1 : start], local) else start


def _mailbox_above(text: str, match: re.Match[str], done: int) -> int | None:
    """Return where a mailbox begins that ends the line above a provider's name, and that can be no word."""
    if (match["name"] or "").partition(".")[0] not in known.PROVIDERS:
        return None
    above = _MAILBOX_ABOVE.search(text, max(done, match.start() - _LONGEST_ABOVE), match.start())
    return above.start() if above else None


def _is_rest_of_url(before: str, local: str) -> bool:
    """Tell "https://@" and "site.com//@" from a mailbox of nothing but signs, which the standard allows."""
    has_slashes = local.endswith("/") or "//" in local
    return has_slashes and (before == ":" or any(character.isalnum() for character in local))


def _lead(local: str) -> int:
    """Return how many leading characters of a run belong to what stands before the mailbox."""
    if not local.isalnum():
        field = _FIELD.match(local)
        if field:
            return field.end()
        if _URL_SIGNS.search(local):
            return max(local.rfind(sign) for sign in "/?&=") + 1
        if any(character.isalnum() for character in local):
            return len(local) - len(local.lstrip(_LEADING_SIGNS))
    return 0


def _is_no_mailbox(text: str, start: int, match: re.Match[str]) -> bool:
    """Tell file names of high-density images and Git remotes from mailboxes."""
    name = match["name"] or ""
    is_git_remote = text[start : match.start()] == "git" and text[match.end() : match.end() + 1] in {":", "/"}
    return is_git_remote or _NOT_A_DOMAIN.fullmatch(name) is not None


def _domain_end(view: View, match: re.Match[str]) -> int:
    """Return where the domain ends, without a number or a next sentence glued to it (`ali@x.com.Sonra`)."""
    name = match["name"]
    if name is None:
        return match.end()
    glued = _GLUED_NUMBER.match(name, name.rfind(".") + 1) if name[-1].isdigit() else None
    if glued:
        return match.start("name") + glued.end()
    if name.count(".") <= 1:
        return match.end()
    rest, _, last = name.rpartition(".")
    glued_word = rest.rpartition(".")[2] in _GENERIC_ENDINGS and len(last) > _LONGEST_COUNTRY_ENDING
    spelled = view.source(match.start("name"), match.end("name"))
    head, _, tail = spelled.rpartition(".")
    new_sentence = tail[:1].isupper() and not tail.isupper() and head.islower()
    return match.end() - len(last) - 1 if glued_word or new_sentence else match.end()
