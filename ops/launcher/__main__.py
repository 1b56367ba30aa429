"""`python -m ops.launcher`: the whole system in the foreground.

Knows exit codes and what is refused before anything runs; the rest is the session's.
"""

import fcntl
import os
import sys
from pathlib import Path

from ops.launcher import env_file, plan, ports, procfile, secrets_file, session
from ops.launcher.plan import Plan
from ops.launcher.run import RunFailed, StopRequested, StopSignals
from ops.launcher.supervision import ROOT

STOPPED, FAILED, NOT_STARTED = 0, 1, 2


class NotStarted(Exception):
    """Nothing was started; the message says what to change."""


def main() -> int:
    os.umask(0o077)  # what people write is kept below LOCAL_DIR: for its owner only
    stops = StopSignals()
    local_dir = Path(os.environ.get("LOCAL_DIR") or ROOT / ".local").resolve()
    try:
        lock = lock_of(local_dir)
        made = planned(local_dir)
        session.run(made, local_dir, stops, lock)
    except StopRequested:
        return STOPPED
    except RunFailed as failure:
        print(f"\n{failure}", file=sys.stderr)
        return FAILED
    except (NotStarted, ports.WrongPort, procfile.WrongProcfile, env_file.WrongValue) as refusal:
        print(refusal, file=sys.stderr)
        return NOT_STARTED
    return STOPPED


def lock_of(local_dir: Path) -> int:
    """Hold LOCAL_DIR for this run alone, until the last process of it is gone. Raises NotStarted."""
    local_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(local_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise NotStarted(
            f"A copy with LOCAL_DIR={local_dir} is running, or still stopping. "
            "Stop it, or set LOCAL_DIR and the ports to run another beside it."
        ) from None
    return lock


def planned(local_dir: Path) -> Plan:
    """The plan for this environment, written to `$LOCAL_DIR/env`. Raises NotStarted when a port is taken."""
    commands = procfile.parse((ROOT / "Procfile").read_text(encoding="utf-8"))
    made = plan.make_plan(os.environ, secrets_file.load(local_dir), commands)
    if taken := ports.conflicts(made.claims):
        raise NotStarted("\n".join(taken))
    for name in ("logs", plan.REDIS):
        (local_dir / name).mkdir(mode=0o700, exist_ok=True)
    env_file.write(local_dir / "env", made.settings)
    return made


if __name__ == "__main__":
    sys.exit(main())
