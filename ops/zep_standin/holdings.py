"""What the routes share: the open data file and how late facts appear; decides nothing itself."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Holdings:
    db: sqlite3.Connection
    fact_delay_s: float = 0.0
