"""Which processes have to do with a folder: by the environment they were started with, or where they work.

An environment is handed down to children; servers that overwrite theirs with a title (Redis does) work in their data's
folder.
"""

from pathlib import Path


def processes_of(folder: Path) -> dict[int, str]:
    """Process ids and command lines of those that live, of the whole machine."""
    found = {
        int(process.name): _command(process) for process in Path("/proc").glob("[0-9]*") if _is_of(process, folder)
    }
    return {pid: command for pid, command in found.items() if command}


def _is_of(process: Path, folder: Path) -> bool:
    try:
        environment, works_in = (process / "environ").read_bytes(), (process / "cwd").readlink()
    except OSError:  # it has ended, or is another user's
        return False
    return str(folder).encode() in environment or works_in.is_relative_to(folder)


def _command(process: Path) -> str:
    """Empty for one that has ended and was not waited for."""
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""
