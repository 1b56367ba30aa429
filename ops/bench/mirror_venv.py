"""The environment that the peer runs in: made and filled on first use, kept under `LOCAL_DIR`."""

import subprocess
import venv
from pathlib import Path

PEER = ("procrastinate==3.10.0", "psycopg[binary,pool]==3.3.9", "zep-python==2.0.2", "httpx==0.28.1", "packaging>=24")


def interpreter(local_dir: Path) -> str:
    """The environment's Python."""
    folder = local_dir / "bench-venv-mirror"
    python, filled = folder / "bin" / "python", folder / "filled"
    if not filled.exists() or filled.read_text() != " ".join(PEER):
        print(f"installing {', '.join(PEER)} into {folder}", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PEER], check=True)
        filled.write_text(" ".join(PEER))
    return str(python)
