"""The web process: checks the settings, clears old metrics files, and hands over to uvicorn's supervisor."""

import os
import shutil
import sys

import uvicorn
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from easy_islanders import env

GRACEFUL_SHUTDOWN_SECONDS = 30


def main() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "easy_islanders.settings"
    os.environ["PROCESS_ROLE"] = "web"
    folder = env.local_dir() / "prometheus" / "web"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
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
