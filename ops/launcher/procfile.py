"""The Procfile's format: `name: command` lines. Knows the text, not how commands are run."""

import re

LINE = re.compile(r"^(?P<name>[A-Za-z0-9_-]+)\s*:\s*(?P<command>\S.*?)\s*$")


class WrongProcfile(Exception):
    """A line is neither blank, nor a comment, nor `name: command`."""


def parse(text: str) -> dict[str, str]:
    """Commands by name, in the file's order. Raises WrongProcfile."""
    commands: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = LINE.match(line)
        if match is None or match["name"] in commands:
            raise WrongProcfile(f"Procfile line {number} is not a new `name: command`: {line!r}")
        commands[match["name"]] = match["command"]
    return commands
