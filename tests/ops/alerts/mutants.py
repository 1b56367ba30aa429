"""Rules that are wrong in one place each, and the promtool tests that ought to notice.

A mutant is only shown to the tests of the alerts that it concerns: that another alert's test fails too proves nothing.
"""

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.promql import Token, selectors, tokens

Rule = dict[str, Any]
OTHER_COMPARATORS = {">": ("<", ">="), "<": (">", "<="), "==": ("!=",), "!=": ("==",)}
OTHER_AGGREGATIONS = {"sum": "max", "max": "sum", "min": "max"}
FACTORS = (1.3, 0.7)
# Wrong in words alone: a sum of increases is above 0 where the largest of them is.
EQUIVALENT = {
    ("MemoryAutoDowngrade", "max became sum at 0"),
    ("MemoryModeRestored", "max became sum at 0"),
    ("ArchiveFailing", "sum became max at 0"),
}
DURATION = re.compile(r"^(\d+)(s|m|h)$")


@dataclass(frozen=True)
class Mutant:
    """`what`: the place that is wrong, for people. `rule`: the wrong rule in place of `name`."""

    name: str
    what: str
    rule: Rule


def name_of(rule: Rule) -> str:
    return str(rule.get("alert") or rule["record"])


def mutants_of(rule: Rule) -> Iterator[Mutant]:
    """Each wrong version of a rule. The Watchdog has none: every number is as good for it."""
    if rule.get("alert") == "Watchdog":
        return
    for what, changes in (*_wrong_waits(rule), *_wrong_expressions(rule["expr"])):
        wrong = copy.deepcopy(rule) | changes
        if (name_of(rule), what) not in EQUIVALENT:
            yield Mutant(name_of(rule), what, {key: value for key, value in wrong.items() if value is not None})


def concerned(name: str, rules: list[Rule]) -> list[str]:
    """What a rule is, and the alerts that are made of it."""
    return [name] * (name not in {rule.get("alert") for rule in rules}) + [
        rule["alert"]
        for rule in rules
        if "alert" in rule and (rule["alert"] == name or name in {s.metric for s in selectors(rule["expr"])})
    ]


def _wrong_waits(rule: Rule) -> Iterator[tuple[str, dict[str, Any]]]:
    if "for" not in rule:
        return
    yield "for dropped", {"for": None}
    yield "for halved", {"for": _stretched(rule["for"], 0.5)}
    yield "for doubled", {"for": _stretched(rule["for"], 2)}


def _wrong_expressions(expression: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Comparators, numbers, windows, aggregations, matchers and clauses; one change each."""
    for change in (_comparators, _numbers, _windows, _aggregations, _matchers):
        for token, text in change(expression):
            wrong = expression[: token.start] + text + expression[token.end :]
            yield f"{token.text} became {text or 'nothing'} at {token.start}", {"expr": wrong}
    clauses = expression.strip().split("\n")
    for at in range(1, len(clauses)):
        if clauses[at].startswith(("and ", "or ", "unless ")):
            yield f"without: {clauses[at]}", {"expr": "\n".join(clauses[:at] + clauses[at + 1 :])}


Change = Callable[[str], Iterator[tuple[Token, str]]]


def _comparators(expression: str) -> Iterator[tuple[Token, str]]:
    found = [token for token in tokens(expression) if token.kind != "range"]
    for at, token in enumerate(found):
        if _is_inside_braces(expression, token):
            continue
        # That a ratio of rates equals a product of factors exactly is no case: floats decide it.
        is_product = [t.text for t in found[at + 2 : at + 3]] == ["*"]
        for other in OTHER_COMPARATORS.get(token.text, ()):
            if not (is_product and other == ">="):
                yield token, other


def _numbers(expression: str) -> Iterator[tuple[Token, str]]:
    for token in tokens(expression):
        if token.kind == "number":
            value = float(token.text)
            yield from ((token, f"{other:g}") for other in _other_numbers(value))


def _other_numbers(value: float) -> tuple[float, ...]:
    """Notably more and less; of a whole number at least the next one, as what is counted may be whole."""
    if not value:
        return (1,)
    more, less = (value * factor for factor in FACTORS)
    return (max(more, value + 1) if value.is_integer() else more, less)


def _windows(expression: str) -> Iterator[tuple[Token, str]]:
    for token in tokens(expression):
        if token.kind == "range":
            yield from ((token, f"[{_stretched(token.text[1:-1], factor)}]") for factor in (0.5, 2))


def _aggregations(expression: str) -> Iterator[tuple[Token, str]]:
    for token in tokens(expression):
        if token.kind == "name" and token.text in OTHER_AGGREGATIONS:
            yield token, OTHER_AGGREGATIONS[token.text]


def _matchers(expression: str) -> Iterator[tuple[Token, str]]:
    for match in re.finditer(r"\{[^}]*\}", expression):
        yield Token("matchers", match.group(), match.start(), match.end()), ""


def _is_inside_braces(expression: str, token: Token) -> bool:
    before = expression[: token.start]
    return before.count("{") > before.count("}")


def _stretched(duration: str, factor: float) -> str:
    match = DURATION.match(duration)
    assert match, duration
    seconds = int(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]
    return f"{seconds * factor:.0f}s"
