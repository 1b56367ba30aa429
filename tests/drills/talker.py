"""`python -m tests.drills.talker DRILL`: a drill's process that only talks, in a way named after a drill."""

import sys
import time

from assistant.drills.catalogue import Step

FIRST = Step("first", "1", "1", 1.0, ok=True).to_json()
SECOND = Step("second", "2", "3", 2.0, ok=False).to_json()
SAYS = {
    "write_path": [FIRST, '{"outcome": "passed"}'],
    "auth_failure": [FIRST, SECOND, '{"outcome": "failed"}'],
    "read_path": [FIRST, "not JSON", '{"neither": 1}', '{"outcome": "passed"}'],
    "mode_status": [FIRST],  # and ends
    "dark_launch": [FIRST],  # and hangs
    "probe_backoff": [FIRST, '{"outcome": "no such outcome"}'],
}

if __name__ == "__main__":
    drill = sys.argv[1]
    for line in SAYS[drill]:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    if drill == "mode_status":
        raise ValueError("quotes what somebody wrote")
    if drill == "dark_launch":
        time.sleep(600)
