"""What the database knows of the storage that archives are in."""

import uuid

from django.db import models


class StorageMark(models.Model):
    """The file by which the archives' storage is known to be the right one. There is one row."""

    mark = models.UUIDField(default=uuid.uuid4, editable=False, help_text="In the file's name.")
    written_at = models.DateTimeField(null=True, help_text="When the file was first there; null: not yet.")

    def __str__(self) -> str:
        return f"mark {self.mark}"
