"""The command line: serve, and the operator's view of a running stand-in; knows words and exit codes only."""

import argparse
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ops.launcher import env_file
from ops.zep_standin.client import Json, StandInClient, StandInRefusedError, StandInUnreachableError
from ops.zep_standin.faults import Kind, Route
from ops.zep_standin.server import serve
from ops.zep_standin.wire import timestamp

DONE, FAILED, REFUSED, UNREACHABLE = 0, 1, 2, 3
FOLLOW_INTERVAL_S = 0.5
DEFAULT_PORT = "8100"
ROOT = Path(__file__).parents[2]
EPILOG = (
    "exit codes: 0 done; 1 failed (port or file not to be had, no such thread); 2 refused or misused; "
    "3 no stand-in there"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except StandInUnreachableError as error:
        return _complain(str(error), UNREACHABLE)
    except StandInRefusedError as error:
        return _complain(str(error), REFUSED)
    except (OSError, sqlite3.Error) as error:
        return _complain(str(error), FAILED)
    except KeyboardInterrupt:
        return DONE


def _serve(options: argparse.Namespace) -> int:
    api_key = options.api_key or os.environ.get("ZEP_API_KEY", "")
    if not api_key:
        return _complain("no API key: give --api-key or set ZEP_API_KEY", REFUSED)
    delay_s = options.fact_delay_ms / 1000
    parent = options.exit_with_parent
    serve(options.host, options.port, options.data, api_key, fact_delay_s=delay_s, with_parent=parent)
    return DONE


def _fault(options: argparse.Namespace) -> int:
    names = ("route", "status", "retry_after", "delay_ms", "count", "path", "caller")
    fields = {name: value for name in names if (value := getattr(options, name)) is not None}
    print(f"fault {StandInClient(options.url).fault(options.kind, **fields)} is on")
    return DONE


def _faults(options: argparse.Namespace) -> int:
    for fault in StandInClient(options.url).faults():
        print(json.dumps(fault))
    return DONE


def _clear(options: argparse.Namespace) -> int:
    StandInClient(options.url).clear()
    print("no fault is on")
    return DONE


def _log(options: argparse.Namespace) -> int:
    client, after = StandInClient(options.url), options.after
    while True:
        for entry in client.log(after):
            after = entry["n"]
            print(json.dumps(entry) if options.json else _line(entry), flush=True)
        if not options.follow:
            return DONE
        time.sleep(FOLLOW_INTERVAL_S)


def _threads(options: argparse.Namespace) -> int:
    client = StandInClient(options.url)
    if options.session is None:
        for thread in client.threads():
            print(f"{thread['session_id']}  {thread['user_id'] or '-'}  {thread['message_count']}")
        return DONE
    held = client.thread(options.session)
    if not held.exists:
        return _complain(f"no such thread: {options.session}", FAILED)
    for message in held.messages:
        print(f"{message['created_at']}  {message['role_type']:9}  {message['uuid']}  {message['content']}")
    for fact in held.facts:
        print(f"fact: {fact}")
    return DONE


def _line(entry: Json) -> str:
    status = "no answer" if entry["status"] is None else entry["status"]
    caller = entry["caller"] or "-"
    return f"{entry['n']:>6}  {timestamp(entry['at'])}  {caller:8}  {status}  {entry['method']} {entry['path']}"


def _complain(message: str, code: int) -> int:
    print(f"zep_standin: {message}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m ops.zep_standin", description=__doc__, epilog=EPILOG)
    parser.description = "A stand-in for Zep Community Edition, with fault switches and a log of every request."
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _describe_serve(_command(commands, "serve", _serve, "run the server"))
    _describe_fault(_client_command(commands, "fault", _fault, "switch a fault on"))
    _client_command(commands, "faults", _faults, "list the active faults, one JSON object a line")
    _client_command(commands, "clear", _clear, "switch every fault off")
    log = _client_command(commands, "log", _log, "print the request log")
    log.add_argument("--after", type=int, default=0, metavar="N", help="only entries after number N")
    log.add_argument("--follow", action="store_true", help="go on printing what arrives, until interrupted")
    log.add_argument("--json", action="store_true", help="one JSON object a line")
    threads = _client_command(commands, "threads", _threads, "list threads (id, user, messages), or show one")
    threads.add_argument("session", nargs="?", metavar="SESSION", help="the thread to show")
    return parser


def _describe_serve(parser: argparse.ArgumentParser) -> None:
    port = os.environ.get("ZEP_STANDIN_PORT", DEFAULT_PORT)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument(
        "--port", type=int, default=port, help="0: any free one, printed (default $ZEP_STANDIN_PORT or 8100)"
    )
    parser.add_argument(
        "--data", type=Path, required=True, metavar="FILE", help="the SQLite file that holds everything"
    )
    parser.add_argument("--api-key", metavar="KEY", help="the key to accept (default $ZEP_API_KEY)")
    parser.add_argument("--fact-delay-ms", type=int, default=0, metavar="MS", help="how late facts appear (default 0)")
    parser.add_argument("--exit-with-parent", action="store_true", help="stop when standard input reaches its end")


def _describe_fault(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=[*Kind], metavar="KIND", help=", ".join(Kind))
    parser.add_argument("--route", choices=[*Route], help="which requests (default any)")
    parser.add_argument("--status", type=int, help="for kind status: 400 to 599")
    parser.add_argument("--retry-after", help="seconds or an HTTP date, sent with kind status")
    parser.add_argument("--delay-ms", type=int, help="before the answer, with any kind")
    parser.add_argument("--count", type=int, help="for so many requests (default: until cleared)")
    parser.add_argument("--path", help="only paths that begin so, below /api/v2")
    parser.add_argument("--caller", help="only requests with this X-Process-Role")


def _client_command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    parser = _command(commands, name, run, text)
    parser.add_argument("--url", default=_running_url(), help="where the stand-in is (default %(default)s)")
    return parser


def _running_url() -> str:
    """Where the environment says, else where `make run` put the stand-in of this copy, else on the usual port."""
    if port := os.environ.get("ZEP_STANDIN_PORT"):
        return os.environ.get("ZEP_BASE_URL") or f"http://127.0.0.1:{port}"
    local = Path(os.environ.get("LOCAL_DIR") or ROOT / ".local")
    known = os.environ.get("ZEP_BASE_URL") or env_file.read(local / "env").get("ZEP_BASE_URL")
    return known or f"http://127.0.0.1:{DEFAULT_PORT}"


def _command(commands: Any, name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text, epilog=EPILOG)
    parser.set_defaults(run=run)
    return parser
