"""What the rival's web process has besides the product's packages: fetched on first use, kept under `LOCAL_DIR`."""

import subprocess
import sys
from pathlib import Path

PEER = "pybreaker==1.4.1"


def packages(local_dir: Path) -> Path:
    """A folder for PYTHONPATH."""
    folder = local_dir / "bench-reads" / PEER
    if not (folder / "pybreaker").is_dir():
        print(f"installing {PEER} into {folder}", file=sys.stderr, flush=True)
        arguments = ["install", "--quiet", "--no-deps", "--target", str(folder), PEER]
        subprocess.run([sys.executable, "-m", "pip", *arguments], check=True)
    return folder
