"""What operators did and see: the audit, the guard's history, drills."""

from typing import ClassVar

from django.db import models
from django.utils import timezone


class AuditEntry(models.Model):
    """Who did what to the system, for those who ask later. Never holds what somebody wrote."""

    at = models.DateTimeField(default=timezone.now, editable=False)
    actor = models.CharField(max_length=150, help_text="The operator's name.")
    action = models.CharField(max_length=40)
    details = models.JSONField(default=dict)
    words_listed = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta:
        verbose_name_plural = "audit entries"
        indexes: ClassVar = [
            # The admin's filters, each newest first.
            models.Index(fields=["action", "id"], name="audit_by_action"),
            models.Index(fields=["actor", "id"], name="audit_by_actor"),
            models.Index(fields=["id"], name="audit_unlisted", condition=models.Q(words_listed=False)),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor}: {self.action}"


class AuditWord(models.Model):
    """A word that an entry's details hold as a whole value. By it those are found who are named, to be erased."""

    entry = models.ForeignKey(AuditEntry, on_delete=models.CASCADE, related_name="words")
    word = models.CharField(max_length=254)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["word", "entry"], name="audit_word_once")]

    def __str__(self) -> str:
        return f"a word of audit entry {self.entry_id}"


class ModeTransition(models.Model):
    """One change of the guard, or an operator's order for one; the latest is what Redis is made from after a loss.

    An order is written before it is carried out: until then it has no epoch.
    """

    class Guard(models.TextChoices):
        OPEN = "open"
        FORCED = "forced"

    epoch = models.BigIntegerField(null=True, unique=True, help_text="Grows with each change; null: not carried out.")
    at = models.DateTimeField(default=timezone.now, editable=False)
    before = models.CharField(max_length=6, choices=Guard, blank=True, default="")
    after = models.CharField(max_length=6, choices=Guard)
    reason = models.CharField(max_length=64)
    by = models.CharField(max_length=150, help_text="The operator's name, or guard, or probe.")
    until = models.DateTimeField(null=True, help_text="When the probe may try; null: an operator ends it.")
    hold_seconds = models.FloatField(default=0)
    probe_failures = models.PositiveIntegerField(default=0)
    order = models.BigIntegerField(null=True, unique=True, help_text="Of an operator's order; a later one is greater.")
    is_superseded = models.BooleanField(default=False, help_text="A later order was carried out first.")
    alert_due_at = models.DateTimeField(null=True, help_text="When the webhook is to be told; null: it need not be.")
    alert_tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["id"], name="transition_ordered", condition=models.Q(epoch=None, is_superseded=False)),
            models.Index(
                fields=["alert_due_at"], name="transition_to_tell", condition=models.Q(alert_due_at__isnull=False)
            ),
        ]
        permissions: ClassVar = [("steer_memory", "Can steer the memory's mode and the mirror")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.before} -> {self.after} ({self.reason})"


class DrillRun(models.Model):
    """One run of a drill: what was looked at, what was expected, what was found. At most one is running."""

    class Outcome(models.TextChoices):
        RUNNING = "running"
        PASSED = "passed"
        FAILED = "failed"
        BROKEN = "broken"  # it could not be carried out
        STOPPED = "stopped"  # its operator broke it off: that says nothing

    drill = models.CharField(max_length=32)
    started_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=7, choices=Outcome, default=Outcome.RUNNING)
    steps = models.JSONField(default=list, help_text="Of each: name, expected, actual, ms, ok.")
    host = models.CharField(max_length=255, help_text="Where it ran.")
    by = models.CharField(max_length=150, help_text="The operator's name, or schedule.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["outcome"], condition=models.Q(outcome="running"), name="one_drill_at_a_time"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["drill", "-started_at"], name="drill_newest_runs")]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} {self.drill}: {self.outcome}"
