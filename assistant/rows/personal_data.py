"""What is remembered of erasures and exports; never whom they were about."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from assistant.rows.conversations import User


class Tombstone(models.Model):
    """What was erased and may not come back. Opaque keys only: memory ids, and thread ids as hashes. Kept for ever."""

    class Kind(models.TextChoices):
        PERSON = "person"
        MEMORY = "memory"
        THREAD = "thread"

    kind = models.CharField(max_length=6, choices=Kind)
    key = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["key", "kind"], name="one_tombstone_each")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key[:8]}"


class Erasure(models.Model):
    """An erasure that was asked for: the work while it lasts, afterwards the receipt. Never holds what it erases.

    `thread_id`, `names` and `user` name what is meant only until it is gone.
    """

    class Scope(models.TextChoices):
        PERSON = "person"
        THREAD = "thread"

    class State(models.TextChoices):
        REQUESTED = "requested"
        SETTLING = "settling"
        SEALING = "sealing"
        COMPLETED = "completed"

    receipt = models.CharField(max_length=43, unique=True, help_text="Shows the receipt to who knows it.")
    scope = models.CharField(max_length=6, choices=Scope)
    state = models.CharField(max_length=9, choices=State, default=State.REQUESTED)
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="erasures")
    memory_id = models.UUIDField(help_text="Under which Zep knew the user.")
    thread_id = models.CharField(max_length=64, blank=True, default="")
    names = models.JSONField(null=True, help_text="What the person was called, until nothing bears it any more.")
    requested_at = models.DateTimeField(default=timezone.now, editable=False)
    settled_at = models.DateTimeField(null=True, help_text="From when no call that was under way can be any more.")
    zep_absent_at = models.DateTimeField(null=True, help_text="When Zep first showed none of it.")
    completed_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True, help_text="When to go on; null: there is nothing left to do.")
    claimed_until = models.DateTimeField(null=True, help_text="Until when a worker has it in hand.")
    attempts = models.PositiveIntegerField(default=0)
    failure = models.CharField(max_length=100, blank=True, default="", help_text="Which step failed last, and why.")
    in_ledger = models.BooleanField(default=False, help_text="The request is written down outside the database.")
    counts = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="erasure_due", condition=models.Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"erasure {self.pk} of a {self.scope}"


class Export(models.Model):
    """A copy of everything about a user, too large to make while they wait, in a file `{id}.zip.enc` or `.zip`."""

    class State(models.TextChoices):
        WAITING = "waiting"
        READY = "ready"

    id = models.CharField(primary_key=True, max_length=43)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="exports")
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    requested_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True)
    size = models.BigIntegerField(default=0, help_text="Bytes.")
    due_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user"], name="one_export_a_user")]

    def __str__(self) -> str:
        return f"export {self.state}"
