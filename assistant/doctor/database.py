"""The database: does it answer, and is it of this release."""

from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader

from assistant.doctor.findings import Finding, failed, ok

NAME = "database"
SHOWN = 5


def look() -> list[Finding]:
    """It is asked for a row, and which migrations it has."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return [ok(NAME, f"{connection.vendor} answers."), _migrations()]
    except DatabaseError as error:
        todo = "Start it, and compare DATABASE_URL with where it listens and whom it lets in."
        return [failed(NAME, f"It does not answer: {type(error).__name__}. Turns are refused with 503.", todo)]


def _migrations() -> Finding:
    loader = MigrationLoader(connection)
    missing = sorted(".".join(key) for key in loader.disk_migrations.keys() - loader.applied_migrations.keys())
    if not missing:
        return ok("migrations", "All are applied.")
    named = ", ".join(missing[:SHOWN]) + (" and more" if len(missing) > SHOWN else "")
    return failed("migrations", f"{len(missing)} are not applied: {named}.", "manage.py migrate")
