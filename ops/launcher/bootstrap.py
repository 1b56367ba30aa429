"""Makes `.venv` hold exactly what a lock file says, then becomes the Python program it was asked to start.

Knows pip and virtual environments, and nothing of what it installs. Standard library only, and run as a file: it
works before anything is installed.
"""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
INTERRUPTED = VENV / "installing"  # exists while pip works: found at the next start, it says that pip was cut short
STARTED_AT = "LAUNCHER_STARTED_AT"
PROGRESS_SECONDS = 3.0

# The lock file is complete, so pip need not resolve.
PIP_OPTIONS = ("--require-hashes", "--no-deps", "--no-input", "--disable-pip-version-check")
OLDEST_PYTHON = (3, 11)


class BootstrapFailed(Exception):
    """The environment could not be made; the message says what to do."""


def main(arguments: list[str]) -> int:
    """`bootstrap.py LOCK [python arguments…]`: install, then run them with the environment's Python."""
    os.environ.setdefault(STARTED_AT, repr(time.time()))
    try:
        with only_one_at_a_time():
            install(ROOT / arguments[0])
    except BootstrapFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. The next start takes it up again.", file=sys.stderr)
        return 130
    if arguments[1:]:
        os.chdir(ROOT)
        os.execv(PYTHON, [str(PYTHON), *arguments[1:]])  # noqa: S606  # becomes it: signals then reach it
    return 0


@contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Two starts of one checkout do not write the same environment."""
    checkout = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(checkout, fcntl.LOCK_EX)
        yield
    finally:
        os.close(checkout)


def install(lock: Path) -> None:
    """Bring `.venv` up to the lock file; at once when its stamp says that it is."""
    version = venv_python_version()
    if version and is_current(lock, version):
        return
    if not version or INTERRUPTED.exists() or was_moved():
        make_venv()
        version = venv_python_version()
    stamp_of(lock).unlink(missing_ok=True)
    INTERRUPTED.touch()
    pip_install(lock)
    write_stamp(lock, version)
    INTERRUPTED.unlink(missing_ok=True)


def venv_python_version() -> str:
    """The version of the environment's Python; empty when there is none that runs and is new enough."""
    question = f"import sys; print(sys.version) if sys.version_info >= {OLDEST_PYTHON} else None"
    try:
        asked = subprocess.run([PYTHON, "-I", "-c", question], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def is_current(lock: Path, version: str) -> bool:
    """Whether this very lock file was installed here, and everything it brought is still there."""
    stamp = read_stamp(stamp_of(lock))
    brought = stamp.pop("distributions", None)
    if INTERRUPTED.exists() or not isinstance(brought, list) or stamp != identity(lock, version):
        return False
    return bool(brought) and set(brought) <= set(distributions())


def was_moved() -> bool:
    """Whether the environment was made elsewhere: its scripts would run that other place's Python."""
    stamps = (read_stamp(path) for path in VENV.glob("stamp-*.json"))
    return any(stamp.get("prefix") != str(VENV) for stamp in stamps)


def stamp_of(lock: Path) -> Path:
    return VENV / f"stamp-{lock.stem}.json"


def read_stamp(path: Path) -> dict[str, object]:
    try:
        stamp = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(lock: Path, version: str) -> None:
    stamp = {**identity(lock, version), "distributions": distributions()}
    stamp_of(lock).write_text(json.dumps(stamp, indent=1), encoding="utf-8")


def identity(lock: Path, version: str) -> dict[str, object]:
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    return {"lock": digest, "python": version, "prefix": str(VENV)}


def distributions() -> list[str]:
    """Names and versions of what is installed, as pip names their folders."""
    return sorted(path.name for path in VENV.glob("lib/python*/site-packages/*.dist-info"))


def make_venv() -> None:
    say("making the virtual environment in .venv")
    if VENV.is_symlink():  # clearing would empty what it points at, which is somebody else's
        VENV.unlink()
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise BootstrapFailed(
            f"{made.stdout}{made.stderr}\n"
            f"{sys.executable} cannot make virtual environments. Install its venv module "
            f"(Debian and Ubuntu: apt install python{sys.version_info.major}.{sys.version_info.minor}-venv), "
            "or set PYTHON to another Python."
        )


def pip_install(lock: Path) -> None:
    """Install the lock file's exact versions, each checked against its hash."""
    started = time.monotonic()
    say(f"installing {lock.name}")
    process = subprocess.Popen(
        [str(PYTHON), "-m", "pip", "install", *PIP_OPTIONS, "--requirement", str(lock)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    output = list(shown(process))
    if process.wait():
        INTERRUPTED.unlink(missing_ok=True)
        raise BootstrapFailed(f"{''.join(output)}\npip could not install {lock.name}; its output is above.")
    say(f"installed in {time.monotonic() - started:.1f} s")


def shown(process: "subprocess.Popen[str]") -> Iterator[str]:
    """Pass pip's lines on, saying now and then how far it is."""
    collected, last_said = 0, time.monotonic()
    for line in process.stdout or ():
        yield line
        collected += line.startswith(("Collecting", "Requirement already satisfied"))
        if line.startswith("Installing collected packages"):
            say(f"unpacking {collected} packages")
        elif time.monotonic() - last_said > PROGRESS_SECONDS:
            last_said = time.monotonic()
            say(f"{collected} packages fetched")


def say(what: str) -> None:
    print(f"  {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
