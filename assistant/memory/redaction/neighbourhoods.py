"""Where a long text has to be looked at again: around placeholders, the only places where it has changed.

Replacing a span can uncover its neighbour and nothing further away, so a text is read once as a whole and then in
stretches; without this, one number at the end of a megabyte would have all of it searched again in every round.
"""

import re
from collections.abc import Iterator
from typing import Final

from assistant.memory.redaction.views import MASK, Span, View

_PLACEHOLDER: Final = re.compile(rf"\[(?:email|phone|address)\]|{MASK}{{7,}}")
_LONG: Final = 16_384  # characters; a shorter text is searched sooner than divided
_REACH: Final = 1_024  # further than any pattern or judge looks
_EDGE: Final = 512  # is read, but what is found there may be half of something: not taken


def neighbourhoods(view: View) -> list[View]:
    """Return the stretches of a folded text around its placeholders; all of a text that is not long."""
    if len(view.text) < _LONG:
        return [view]
    return [view.cut(start, end) for start, end in _merged(view.text)]


def is_inside(view: View, part: View, span: Span) -> bool:
    """Say whether a place in the original is so far from where `part` was cut that it would be found in the whole."""
    if part is view:
        return True
    size, total = len(part.text), len(view.text)
    first, last = part.span(0, size)
    starts_text, ends_text = part.offset == view.offset, part.offset - view.offset + size == total
    return (starts_text or span[0] >= first + _EDGE) and (ends_text or span[1] <= last - _EDGE)


def _merged(text: str) -> Iterator[Span]:
    start = end = -1
    for match in _PLACEHOLDER.finditer(text):
        if match.start() - _REACH > end:
            if end > 0:
                yield start, end
            start = max(0, match.start() - _REACH)
        end = match.end() + _REACH
    if end > 0:
        yield start, min(end, len(text))
