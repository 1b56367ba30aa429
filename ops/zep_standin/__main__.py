"""Entry point of `python -m ops.zep_standin`; knows nothing but where the command line begins."""

import sys

from ops.zep_standin.cli import main

if __name__ == "__main__":
    sys.exit(main())
