"""What a measurement was to reach, and whether it did."""

import json
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """A figure and its bound; `at_least` turns the bound round."""

    name: str
    measured: float
    bound: float
    unit: str = "ms"
    at_least: bool = False

    @property
    def is_met(self) -> bool:
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    def as_line(self) -> str:
        verdict, sign = "met" if self.is_met else "MISSED", ">=" if self.at_least else "<="
        return f"goal {verdict:6}  {self.name}: {self.measured:g} {self.unit} ({sign} {self.bound:g})"

    def as_json(self) -> str:
        return json.dumps({"goal": self.name, "measured": self.measured, "bound": self.bound, "met": self.is_met})


def show(goals: Iterable[Goal], *, as_json: bool) -> None:
    """Print a line for each."""
    for goal in goals:
        print(goal.as_json() if as_json else goal.as_line(), flush=True)
