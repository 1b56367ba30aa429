"""One text seen several ways: a view to search, and the way back to places in the original.

Knows nothing of what is searched for. Every step is linear.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import accumulate
from typing import Final, NamedTuple

MASK: Final = "\x1f"  # stands for characters that no pattern may read; original control characters are dropped

Span = tuple[int, int]
Rewrite = str | Callable[[re.Match[str]], str]


class View(NamedTuple):
    """Searchable text; where characters were dropped or joined, `trail` leads back to the text before that.

    A view cut out of another begins `offset` characters later; the trail is then still the whole view's.
    """

    text: str
    original: str
    trail: "Trail | None" = None
    offset: int = 0

    def span(self, start: int, end: int) -> Span:
        """Return the place in the original of a non-empty stretch of this view."""
        start, end = start + self.offset, end + self.offset
        return self.trail.span(start, end) if self.trail else (start, end)

    def source(self, start: int, end: int) -> str:
        """Return the original spelling of a non-empty stretch of this view."""
        first, last = self.span(start, end)
        return self.original[first:last]

    def masked(self, pattern: re.Pattern[str], mask: Callable[[re.Match[str]], str] | None = None) -> "View":
        """Return the view with every match hidden, lengths unchanged."""
        return self.reading(pattern.sub(mask or hide, self.text))

    def reading(self, text: str) -> "View":
        """Return the view with another text of the same length."""
        return self if text == self.text else View(text, self.original, self.trail, self.offset)

    def cut(self, start: int, end: int) -> "View":
        """Return the view of a stretch only."""
        if start <= 0 and end >= len(self.text):
            return self
        return View(self.text[max(0, start) : end], self.original, self.trail, self.offset + max(0, start))


class Trail:
    """The way back over one rewriting; worked out when first asked for, for most text holds nothing to go back for."""

    def __init__(self, before: View, pattern: re.Pattern[str], rewrite: Rewrite) -> None:
        self._before, self._pattern, self._rewrite = before, pattern, rewrite

    def span(self, start: int, end: int) -> Span:
        """Return the place in the original of a non-empty stretch of the rewritten text."""
        return self._before.span(self._source_of(start)[0], self._with_marks(*self._source_of(end - 1)[1:]))

    def _source_of(self, place: int) -> tuple[int, int, int]:
        """Return the stretch one character stands for, and which edit comes after it."""
        following = bisect_right(self._places, place)
        if not following:
            return place, place + 1, 0
        first, last, size = self._edits[following - 1]
        beyond = place - self._places[following - 1] - size
        return (first, last, following) if beyond < 0 else (last + beyond, last + beyond + 1, following)

    def _with_marks(self, end: int, following: int) -> int:
        """Take in dropped combining marks: each belongs to the character before it, so that keycaps vanish whole."""
        while following < len(self._edits) and self._is_mark_at(end, *self._edits[following]):
            end = self._edits[following][1]
            following += 1
        return end

    def _is_mark_at(self, end: int, first: int, last: int, size: int) -> bool:
        return first == end and not size and unicodedata.category(self._before.source(first, last)[0])[0] == "M"

    @cached_property
    def _edits(self) -> list[tuple[int, int, int]]:
        """Return where each rewritten stretch was, and the size of what stands for it."""
        matches, rewrite = self._pattern.finditer(self._before.text), self._rewrite
        if isinstance(rewrite, str):
            return [(*match.span(), len(rewrite)) for match in matches]
        return [(*match.span(), len(rewrite(match))) for match in matches]

    @cached_property
    def _places(self) -> list[int]:
        """Return where in the rewritten text each edit begins."""
        grown = accumulate((size - (end - start) for start, end, size in self._edits), initial=0)
        return [start + by for (start, _, _), by in zip(self._edits, grown, strict=False)]


class Found(NamedTuple):
    """Places in the original, and whether a search of the text without them is known to find nothing more."""

    spans: list[Span]
    is_last: bool = False


def hide(match: re.Match[str]) -> str:
    """Return a mask as long as the match."""
    return MASK * (match.end() - match.start())


def rewritten(view: View, pattern: re.Pattern[str], rewrite: Rewrite) -> View:
    """Replace each match by a text of any length; each new character leads back to the whole match."""
    text, count = pattern.subn(rewrite, view.text)
    return View(text, view.original, Trail(view, pattern, rewrite)) if count else view


def substituted(text: str, spans: Iterable[Span], placeholder: str) -> tuple[str, int]:
    """Put the placeholder in place of each span (overlapping ones are one); all else stays byte for byte."""
    pieces: list[str] = []
    done = count = 0
    for start, end in sorted(spans):
        if start >= done:
            pieces += (text[done:start], placeholder)
            count += 1
        done = max(done, end)
    pieces.append(text[done:])
    return "".join(pieces), count
