"""Whether the process of this container or unit does its work, by its own door on loopback; the exit code says so.

Standard library only: it runs every few seconds, and the product takes a second to load. Beat has no door: the alert
MemoryProbeAbsent watches it.
"""

import os
import sys
import urllib.error
import urllib.request

SECONDS = 4.0
NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def addresses() -> dict[str, str]:
    """Where each process answers."""
    return {
        "web": f"http://127.0.0.1:{os.environ.get('WEB_PORT', '8000')}/healthz",
        "worker": f"http://127.0.0.1:{os.environ.get('WORKER_METRICS_PORT', '9808')}/metrics",
        "control": f"http://127.0.0.1:{os.environ.get('CONTROL_METRICS_PORT', '9809')}/metrics",
        "flower": f"http://127.0.0.1:{os.environ.get('FLOWER_PORT', '5555')}/healthcheck",
    }


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in addresses():
        sys.stderr.write(f"usage: healthcheck.py {'|'.join(addresses())}\n")
        return 2
    try:
        with NO_PROXY.open(addresses()[arguments[0]], timeout=SECONDS):
            return 0
    except (urllib.error.URLError, OSError) as error:
        sys.stderr.write(f"{arguments[0]}: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
