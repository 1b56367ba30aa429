"""Reads PromQL as far as tests need it: tokens with their places, and which series an expression names.

No parser: `promtool` is one. What this does not understand it takes for the name of a metric, and a test says so.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

TOKEN = re.compile(
    r"""(?P<string>"[^"]*")
      | (?P<range>\[[^\]]*\])
      | (?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
      | (?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?)
      | (?P<operator>=~|!~|!=|==|>=|<=|[-+*/%^<>=(){},])""",
    re.VERBOSE,
)
AGGREGATIONS = frozenset({"sum", "min", "max", "avg", "count", "topk", "quantile"})
GROUPINGS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
CLAUSES = frozenset({"and", "or", "unless"})
COMPARATORS = frozenset({"==", "!=", ">", "<", ">=", "<="})
OPERATORS = CLAUSES | frozenset({"bool", "offset"})


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Matcher:
    label: str
    operator: str
    value: str

    @property
    def values(self) -> list[str]:
        """The values it names; of a regular expression each alternative, which has to be a plain word."""
        return self.value.split("|") if "~" in self.operator else [self.value]

    def takes(self, labels: dict[str, str]) -> bool:
        is_among = labels.get(self.label, "") in self.values
        return is_among if self.operator in ("=", "=~") else not is_among


@dataclass(frozen=True)
class Selector:
    """The series that `metric{matchers}` names."""

    metric: str
    matchers: tuple[Matcher, ...] = ()


def tokens(expression: str) -> list[Token]:
    """All tokens in order. Raise ValueError at what is none."""
    found = [
        Token(match.lastgroup or "", match.group(), match.start(), match.end()) for match in TOKEN.finditer(expression)
    ]
    rest = "".join(" " if any(t.start <= at < t.end for t in found) else c for at, c in enumerate(expression))
    if rest.strip():
        raise ValueError(f"not PromQL as this test knows it: {rest.split()} in {expression}")
    return found


def selectors(expression: str) -> list[Selector]:
    """Every series that the expression names, in order."""
    return list(_selectors(tokens(expression)))


def grouping_labels(expression: str) -> set[str]:
    """Every label that the expression groups by or joins on."""
    found = tokens(expression)
    labels: set[str] = set()
    at = 0
    while at < len(found):
        if found[at].text in GROUPINGS and at + 1 < len(found) and found[at + 1].text == "(":
            end = _closing(found, at + 1)
            labels |= {token.text for token in found[at + 2 : end] if token.kind == "name"}
            at = end
        at += 1
    return labels


def _selectors(found: list[Token]) -> Iterator[Selector]:
    at = 0
    while at < len(found):
        following = found[at + 1].text if at + 1 < len(found) else ""
        if found[at].kind == "name" and found[at].text in GROUPINGS and following == "(":
            at = _closing(found, at + 1)
        elif found[at].kind == "name" and following == "{":
            end = _closing(found, at + 1)
            yield Selector(found[at].text, tuple(_matchers(found[at + 2 : end])))
            at = end
        elif found[at].kind == "name" and following != "(" and found[at].text not in AGGREGATIONS | OPERATORS:
            yield Selector(found[at].text)
        at += 1


def _matchers(found: list[Token]) -> Iterator[Matcher]:
    kept = [token for token in found if token.text != ","]
    for label, operator, value in zip(kept[0::3], kept[1::3], kept[2::3], strict=True):
        yield Matcher(label.text, operator.text, value.text[1:-1])


def _closing(found: list[Token], opening: int) -> int:
    """Where the bracket that opens at `opening` closes. Groupings and matchers hold no brackets of their own."""
    return next(at for at in range(opening, len(found)) if found[at].text in (")", "}"))


def parts_with_data(expression: str) -> list[str]:
    """The parts of an alert's expression that have values whether or not it fires: both sides of each comparison.

    Of `absent(x)` it is x. A side without a series, such as a bare number, is none.
    """
    sides = [side for clause in _split(expression, CLAUSES) for side in _split(clause, COMPARATORS)]
    bare = [_inside(side, "absent") for side in sides]
    return [side for side in bare if selectors(side)]


def _split(expression: str, separators: frozenset[str]) -> list[str]:
    """The texts between the separators that are in no brackets; `on ()` and the like go with the separator."""
    found, parts, begin, depth = tokens(expression), [], 0, 0
    for at, token in enumerate(found):
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(token.text, 0)
        if depth == 0 and token.text in separators:
            parts.append(expression[begin : token.start])
            is_joined = at + 1 < len(found) and found[at + 1].text in GROUPINGS
            begin = found[_closing(found, at + 2)].end if is_joined else token.end
    return [part.strip() for part in (*parts, expression[begin:])]


def _inside(expression: str, function: str) -> str:
    return (
        expression.removeprefix(f"{function}(").removesuffix(")")
        if expression.startswith(f"{function}(")
        else expression
    )
