"""A named row of figures, as text or as JSON. Knows no product."""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """What was measured of one thing."""

    name: str
    figures: dict[str, float]

    def as_line(self) -> str:
        return f"{self.name:16} " + "  ".join(f"{name} {value:g}" for name, value in self.figures.items())

    def as_json(self) -> str:
        return json.dumps({"name": self.name} | self.figures)
