"""What the doctor's tests share: a link without a past, and findings by their check."""

from collections.abc import Callable

import pytest

from assistant import loops
from assistant.doctor.findings import Finding

By = Callable[[list[Finding]], dict[str, str]]


@pytest.fixture(autouse=True)
def _a_link_without_a_past() -> None:
    loops.run(loops.aclose())
