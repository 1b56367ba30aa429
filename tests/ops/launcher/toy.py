"""Runs the processes of a Procfile under the launcher's own supervision, without the product.

`python -m tests.ops.launcher.toy PROCFILE LOGS START_SECONDS`: exit codes are the launcher's.
"""

import os
import sys
from pathlib import Path

from ops.launcher import procfile
from ops.launcher.console import Console
from ops.launcher.run import RunFailed, StopRequested, StopSignals, launch
from ops.launcher.supervisor_config import Program

STOP_SECONDS = 120


def main(procfile_path: Path, logs: Path, start_seconds: int) -> int:
    stops = StopSignals()
    commands = procfile.parse(procfile_path.read_text(encoding="utf-8"))
    programs = [Program(name, command, order, STOP_SECONDS) for order, (name, command) in enumerate(commands.items())]
    try:
        console = Console(commands, logs)
        with launch(programs, os.environ, console, stops, start_seconds=start_seconds) as run:
            run.start(programs)
            run.until_none(lambda: ["a request to stop"])
    except StopRequested:
        return 0
    except RunFailed as failure:
        console.say(str(failure))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
