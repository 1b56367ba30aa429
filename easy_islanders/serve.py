"""The web process: checks the settings, clears old metrics files, and hands over to uvicorn's supervisor."""

import fcntl
import os
import shutil
import sys
from pathlib import Path
from typing import IO

import uvicorn
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from easy_islanders import env

GRACEFUL_SHUTDOWN_SECONDS = 30


def main() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "easy_islanders.settings"
    os.environ["PROCESS_ROLE"] = "web"
    env.load_local_env()
    port = env.port("WEB_PORT", 8000)
    folder = env.local_dir() / "prometheus" / f"web-{port}"
    lock = _locked(folder)
    if lock is None:
        sys.stderr.write(
            f"WEB_PORT: another web process of this LOCAL_DIR serves {port}; stop it, or choose another port\n"
        )
        return 1
    with lock:
        return _prepared(folder)


def _locked(folder: Path) -> IO[str] | None:
    """A file that is locked for as long as it is open; None where another process has it: its metrics are in use."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = folder.with_suffix(".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _prepared(folder: Path) -> int:
    """Serve, with nothing in the folder of metrics that an earlier process counted."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)

    import django  # noqa: PLC0415  # after the environment is complete: metrics choose their storage when imported

    django.setup()
    try:
        call_command("check")
    except SystemCheckError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return _serve()


def _serve() -> int:
    from django.conf import settings  # noqa: PLC0415  # see main

    uvicorn.run(
        "easy_islanders.asgi:application",
        host=settings.WEB_HOST,
        port=settings.WEB_PORT,
        workers=settings.WEB_CONCURRENCY,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(settings.TRUSTED_PROXIES),
        forwarded_allow_ips=settings.TRUSTED_PROXIES,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
