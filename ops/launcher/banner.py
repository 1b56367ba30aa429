"""The text shown when everything runs. Pure."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path

from ops.launcher import plan, prepare, secrets_file
from ops.launcher.plan import Plan
from ops.launcher.web import CHAT, Web

EXAMPLE = {"message": "I need a 2 bedroom in Girne"}
CHANGED_PASSWORD = "the password you set (.venv/bin/python manage.py changepassword admin)"  # noqa: S105  # a hint


def banner(made: Plan, secrets: Mapping[str, str], web: Web, local_dir: Path, seconds: float) -> str:
    """Addresses, log-ins and a command to paste."""
    rows = "\n".join(f"  {what:<12} {where}" for what, where in addresses(made, secrets, web, local_dir).items())
    return (
        f"\nEasy Islanders is running. Ready after {seconds:.1f} s.\n\n{rows}\n\n"
        f"Say something:\n\n  {curl(web, secrets[secrets_file.DEMO_TOKEN])}\n\nCtrl-C stops everything.\n"
    )


def addresses(made: Plan, secrets: Mapping[str, str], web: Web, local_dir: Path) -> dict[str, str]:
    settings = made.settings
    flower = f"http://{plan.LOOPBACK}:{settings['FLOWER_PORT']}/"
    workers = (f"http://{plan.LOOPBACK}:{settings[f'{name}_METRICS_PORT']}/metrics" for name in ("WORKER", "CONTROL"))
    return {
        "Chat": f"{web.url}/",
        "API docs": f"{web.url}/api/docs",
        "Admin": f"{web.url}/admin/   {prepare.ADMIN} / {secrets.get(secrets_file.ADMIN_PASSWORD) or CHANGED_PASSWORD}",
        "Flower": f"{flower}   {settings['FLOWER_BASIC_AUTH'].replace(':', ' / ', 1)}",
        "Zep stand-in" if made.runs(plan.ZEP_STANDIN) else "Zep": settings.get("ZEP_BASE_URL", "hosted"),
        "Metrics": f"{web.url}/api/metrics/  {'  '.join(workers)}",
        "Logs": str(local_dir / "logs"),
        "Environment": f"{local_dir / 'env'} (manage.py reads it)",
    }


def curl(web: Web, token: str) -> str:
    """A chat turn for any POSIX shell."""
    words = ["curl", "-sS", f"{web.url}{CHAT}", "-H", f"Authorization: Bearer {token}"]
    return shlex.join([*words, "-H", "Content-Type: application/json", "-d", json.dumps(EXAMPLE)])
