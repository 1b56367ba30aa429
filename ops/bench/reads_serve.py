"""`python -m easy_islanders.serve` with the watched application in the place of the product's."""

import sys
from functools import partial
from typing import Any

import uvicorn

from easy_islanders import serve

APPLICATION = "ops.bench.reads_app:application"


def _run(plain: Any, _application: str, **options: Any) -> None:
    plain(APPLICATION, **options)


if __name__ == "__main__":
    uvicorn.run = partial(_run, uvicorn.run)
    sys.exit(serve.main())
