"""supervisord's configuration as text. Knows its syntax, and nothing of the system it runs.

Its parser gives percent signs, quotes, semicolons and hashes meanings of their own, and expands some values twice.
So no path of the machine is written into it: all are relative to supervisord's own directory, where `root` and `logs`
are links.
"""

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

SUPERVISOR_LOG = "supervisor.log"
LOG_MAX = "10MB"
LOG_BACKUPS = 3
FAST_DEATHS = 5  # deaths, each within `start_seconds` of its start, after which a process is given up


@dataclass(frozen=True)
class Program:
    """One process to keep running. Lower `order` starts first and stops last."""

    name: str
    command: str  # a shell command line that replaces its shell (`exec`), so that signals reach it
    order: int
    stop_seconds: int  # how long it may take to end after SIGTERM, before its group is killed


def render(programs: Iterable[Program], *, uid: int, start_seconds: int = 10) -> str:
    """The whole file, for a directory with the links `root` (where programs run) and `logs`."""
    sections = [supervisord(uid), CONTROL, *(program(each, start_seconds) for each in programs)]
    return "\n".join(sections)


def printed(name: str) -> str:
    """The file of what a program prints, beside those that it writes itself (`name.log`)."""
    return f"{name}.out"


def supervisord(uid: int) -> str:
    # As root it wants to be told that it is meant to stay so.
    user = "user=0\n" if uid == 0 else ""
    return f"""[supervisord]
nodaemon=true
silent=true
loglevel=info
logfile=logs/{SUPERVISOR_LOG}
logfile_maxbytes={LOG_MAX}
logfile_backups={LOG_BACKUPS}
pidfile=pid
childlogdir=logs
{user}"""


CONTROL = """[unix_http_server]
file=s
chmod=0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""


def program(each: Program, start_seconds: int) -> str:
    """stopasgroup=false: only the leader is told to stop, and finishes its tasks; the group dies with it.

    autorestart=false: it would start again at once, however often it dies; `restarts` says when, the run does it.
    """
    return f"""[program:{each.name}]
command=/bin/sh -c {argument(each.command)}
directory=root
priority={each.order}
autostart=false
autorestart=false
startsecs={start_seconds}
startretries={FAST_DEATHS - 1}
stopsignal=TERM
stopwaitsecs={each.stop_seconds}
stopasgroup=false
killasgroup=true
redirect_stderr=true
stdout_logfile=logs/{printed(each.name)}
stdout_logfile_maxbytes={LOG_MAX}
stdout_logfile_backups={LOG_BACKUPS}
"""


def argument(text: str) -> str:
    """One shell word that outlives supervisord's reading: % is doubled, and no ; or # follows a space unescaped."""
    if "\n" in text:
        raise ValueError("a command is one line")
    quoted = shlex.quote(text).replace("%", "%%")
    return re.sub(r"(?<=\s)([;#])", r"'\\\1'", quoted)
