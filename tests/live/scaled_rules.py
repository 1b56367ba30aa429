"""The committed rules with every duration divided: minutes of waiting become seconds, the rest stays as it is."""

import copy
import re
from typing import Any

import yaml

from tests.support.exported import RULES
from tests.support.promql import tokens

UNITS = {"s": 1, "m": 60, "h": 3600}
DURATION = re.compile(r"^(\d+)([smh])$")


def scaled_rules(factor: float) -> str:
    """The rules file for a clock that runs `factor` times as fast."""
    document: dict[str, Any] = copy.deepcopy(yaml.safe_load(RULES.read_text()))
    for group in document["groups"]:
        for rule in group["rules"]:
            rule["expr"] = _with_scaled_windows(rule["expr"], factor)
            if "for" in rule:
                rule["for"] = _scaled(rule["for"], factor)
    return yaml.safe_dump(document)


def seconds(duration: str) -> int:
    match = DURATION.match(duration)
    assert match, duration
    return int(match[1]) * UNITS[match[2]]


def _with_scaled_windows(expression: str, factor: float) -> str:
    for token in reversed([token for token in tokens(expression) if token.kind == "range"]):
        window = f"[{_scaled(token.text[1:-1], factor)}]"
        expression = expression[: token.start] + window + expression[token.end :]
    return expression


def _scaled(duration: str, factor: float) -> str:
    return f"{max(1, round(1000 * seconds(duration) / factor))}ms"
