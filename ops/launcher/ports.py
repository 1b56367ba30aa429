"""Which TCP ports a start needs, and whether they are free. Knows sockets and messages, not the programs."""

import errno
import socket
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

HIGHEST = 65_535
DEFAULTS = {
    "WEB_PORT": 8000,
    "FLOWER_PORT": 5555,
    "ZEP_STANDIN_PORT": 8100,
    "REDIS_PORT": 6390,
    "WORKER_METRICS_PORT": 9808,
    "CONTROL_METRICS_PORT": 9809,
}
CONNECT_SECONDS = 0.5


class WrongPort(Exception):
    """A variable does not name a port."""


@dataclass(frozen=True)
class Claim:
    """A port that something about to start will listen on, and the variable that moves it."""

    variable: str
    host: str
    port: int


def port_from(environ: Mapping[str, str], variable: str) -> int:
    """The variable's port, or its default. Raises WrongPort."""
    value = environ.get(variable, "").strip() or str(DEFAULTS[variable])
    if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= HIGHEST:
        raise WrongPort(f"{variable} must be a port from 1 to {HIGHEST}; it is {value!r}.")
    return int(value)


def conflicts(claims: Iterable[Claim]) -> list[str]:
    """One sentence for each claim that cannot be met, each naming the variable to set."""
    wanted = list(claims)
    shared = Counter(claim.port for claim in wanted)
    return [
        sentence
        for claim in wanted
        if (sentence := clash(claim) if shared[claim.port] > 1 else refusal(claim, why_unusable(claim)))
    ]


def clash(claim: Claim) -> str:
    return f"Port {claim.port} is asked for twice: set {claim.variable} to another one."


def refusal(claim: Claim, error: int | None) -> str:
    """The sentence for an errno of binding; empty for None."""
    if error is None:
        return ""
    if error == errno.EACCES:
        return f"Port {claim.port} may not be opened by this user: set {claim.variable} to one above 1023."
    if error == errno.EADDRINUSE:
        return f"Port {claim.port} is already taken: set {claim.variable} to a free one."
    code = errno.errorcode.get(error, error)
    return f"Port {claim.port} of {claim.host} ({claim.variable}) cannot be opened: {code}."


def why_unusable(claim: Claim) -> int | None:
    """The errno that listening there would meet, or None."""
    if answers(claim.host, claim.port):
        return errno.EADDRINUSE  # some systems let a second program bind beside a wildcard listener
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(claim.host, claim.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error.errno
    return None


def answers(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        socket.create_connection((reachable(host), port), timeout=CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def reachable(host: str) -> str:
    """The address to connect to for one to listen on: wildcards are reached by loopback."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104  # not bound here
