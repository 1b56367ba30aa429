"""A bucket that speaks S3's protocol, with bounds on how long it may take: an archiver waits for nobody for ever."""

import time
from typing import Any

from botocore.config import Config
from storages.backends.s3 import S3Storage

BOUNDS = Config(connect_timeout=5, read_timeout=15, retries={"total_max_attempts": 2, "mode": "standard"})
BELIEVED_SECONDS = 60.0  # a process has one bucket for as long as it lives


class Bucket(S3Storage):  # type: ignore[misc]  # it ships no type information
    """Objects are written whole or not at all, and never replaced. Needs the extra `s3`."""

    _seen: tuple[str, float] = ("", 0.0)  # a mark, and until when it is believed to be there

    def get_default_settings(self) -> dict[str, Any]:
        return {**super().get_default_settings(), "client_config": BOUNDS}

    def has_mark(self, name: str) -> bool:
        """One request a minute, once it is there: asked before and after each file that is removed."""
        seen, until = self._seen
        if seen == name and time.monotonic() < until:
            return True
        if there := bool(self.exists(name)):
            self._seen = name, time.monotonic() + BELIEVED_SECONDS
        return there

    def names(self, prefix: str) -> list[str]:
        """The objects whose names begin so; one request for each thousand."""
        folder = f"{self.location.strip('/')}/" if self.location else ""
        return [found.key.removeprefix(folder) for found in self.bucket.objects.filter(Prefix=folder + prefix)]
