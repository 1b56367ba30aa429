"""E-mail addresses without a sign: words glued in capitals ("aliATgmailDOTcom"), or no word ("mail: ali gmail com").

Capitals tell the first kind, so it is read in the original; the second needs a provider's name, and a word for mail or
a mailbox that is no word.
"""

from collections.abc import Iterator
from typing import Final

from assistant.memory.redaction import email_words as known
from assistant.memory.redaction.patterns import compiled
from assistant.memory.redaction.views import Span, View

_NAME: Final = r"[a-z0-9][a-z0-9._+-]{0,63}+"
_GLUED: Final = compiled(
    rf"(?<![A-Za-z0-9._+-]){_NAME}(?:DOT{_NAME})?+(?:AT|ET)[a-z0-9][a-z0-9-]*+"
    r"(?:(?:DOT|NOKTA|PUNKT)[a-z0-9][a-z0-9-]*+){1,4}(?![A-Za-z0-9])"
)
_MAILBOX: Final = r"[\w+%](?:[\w.+%'-]*[\w+%])?"
_WORDLESS: Final = compiled(
    rf"(?:(?<!\w)(?:{known.MAIL})(?:[ ](?:is|ist|это|είναι))?[ :]{{1,2}}(?P<announced>{_MAILBOX})"
    rf"|(?<![\w.+%'-])(?P<telling>(?=[^\d._\s]*[\d._]){_MAILBOX}))"
    rf"[ ](?:{known.BARE_PROVIDERS})[ ](?:com|net)(?:[ ]tr)?(?!\w)"
)
_PROVIDER: Final = compiled(rf"[ ](?:{known.BARE_PROVIDERS})[ ](?:com|net)(?![^\W\d])")  # a number there may go


def may_be_unsigned(view: View) -> bool:
    """Say whether a text has what an address without a sign cannot do without."""
    return _may_be_glued(view.original) or _may_be_wordless(view.text)


def find_unsigned_emails(view: View) -> Iterator[Span]:
    """Yield the places, in the original, of addresses that only capitals or a provider's name give away."""
    if view.text and _may_be_glued(view.original):
        yield from (match.span() for match in _GLUED.finditer(view.original, *view.span(0, len(view.text))))
    for match in _WORDLESS.finditer(view.text) if _may_be_wordless(view.text) else ():
        name = "announced" if match["announced"] else "telling"
        if match[name] not in known.NO_NAMES:
            yield view.span(match.start(name), match.end())


def _may_be_glued(original: str) -> bool:
    return "DOT" in original or ("KT" in original and ("NOKTA" in original or "PUNKT" in original))


def _may_be_wordless(text: str) -> bool:
    return (" com" in text or " net" in text) and _PROVIDER.search(text) is not None
