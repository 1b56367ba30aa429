"""People, their conversations and the archives of these. `Message` is the truth about a message's way to Zep."""

import uuid
from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

MESSAGE_NAMESPACE = uuid.UUID("5f0f4a3c-6b1e-5c3e-9a53-0d6f6d2b7a11")


def reply_id(thread_id: str, client_msg_id: uuid.UUID) -> uuid.UUID:
    """The reply's own `client_msg_id`: UUIDv5 of (thread, the user's client_msg_id, "assistant")."""
    return uuid.uuid5(MESSAGE_NAMESPACE, f"{thread_id}:{client_msg_id}:assistant")


def zep_message_id(thread_id: str, client_msg_id: uuid.UUID, part: int = 1, generation: int = 0) -> uuid.UUID:
    """The message's uuid at Zep, always the same; further parts of a long message have their own.

    `generation`: how often Zep had to forget the message and is told it anew; Zep never takes a uuid twice.
    """
    name = f"{thread_id}:{client_msg_id}"
    name = name if part == 1 else f"{name}:{part}"
    return uuid.uuid5(MESSAGE_NAMESPACE, f"{name}@{generation}" if generation else name)


class User(AbstractUser):
    """A person. `memory_id` is all that Zep ever knows of them."""

    memory_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # A default of the database's own: during a deployment, processes that do not know the column insert rows too.
    memory_on = models.BooleanField(default=True, db_default=True, help_text="Off: nothing is mirrored or read.")


class ApiToken(models.Model):
    """A bearer token. Only its SHA-256 is kept: the token has 256 random bits, so a plain hash is enough."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100, blank=True, default="")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="From then on it is refused; null: never.")
    revoked_at = models.DateTimeField(null=True, blank=True, help_text="When an operator took it back.")

    class Meta:
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"token {self.pk} of user {self.user_id}"


class Thread(models.Model):
    """A conversation. Its id is also the id of its session at Zep."""

    id = models.CharField(primary_key=True, max_length=64)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="threads")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_sequence = models.BigIntegerField(default=0, help_text="The sequence number of the newest message.")
    mirror_due_at = models.DateTimeField(
        null=True, blank=True, help_text="When the mirror should look at it; null while nothing waits."
    )
    holds_messages = models.BooleanField(default=False, help_text="New messages are held, until a backfill.")
    lease_fence = models.BigIntegerField(default=0, help_text="Grows with each lease; an older one can change nothing.")
    lease_until = models.DateTimeField(null=True, blank=True, help_text="When the mirror's lease ends.")
    known_to_zep_at = models.DateTimeField(null=True, blank=True, help_text="When Zep had user and session.")
    # Defaults of the database's own: during a deployment, web processes that do not know the columns insert rows too.
    hot_messages = models.PositiveIntegerField(default=0, db_default=0, help_text="How many are not archived.")
    last_message_at = models.DateTimeField(null=True, blank=True, help_text="When the newest message came.")
    archived_at = models.DateTimeField(null=True, blank=True, help_text="Of the newest archive: a session began anew.")
    archived_messages = models.BigIntegerField(default=0, db_default=0, help_text="How many are in archives.")
    archived_through = models.BigIntegerField(default=0, db_default=0, help_text="Up to this sequence none is hot.")
    archive_not_before = models.DateTimeField(null=True, blank=True, help_text="Until then it is left alone.")
    summary = models.JSONField(null=True, blank=True, help_text="What archived messages amount to: values, no text.")

    class Meta:
        indexes: ClassVar = [
            # What the sweep reads: one small entry for each thread that waits.
            models.Index(
                fields=["mirror_due_at"], name="thread_waiting", condition=models.Q(mirror_due_at__isnull=False)
            ),
            models.Index(fields=["created_at"], name="thread_holding", condition=models.Q(holds_messages=True)),
            models.Index(fields=["created_at"], name="thread_newest"),  # the order of the admin's list
            # What the archiver asks: who keeps many messages, and who has been silent for long.
            models.Index(fields=["hot_messages"], name="thread_hot", condition=models.Q(hot_messages__gt=0)),
            models.Index(fields=["last_message_at"], name="thread_silent", condition=models.Q(hot_messages__gt=0)),
        ]

    def __str__(self) -> str:
        return self.id


class MirrorState(models.TextChoices):
    """Where a message is on its way to Zep."""

    PENDING = "pending"
    IN_FLIGHT = "in_flight"
    MIRRORED = "mirrored"
    HELD = "held"
    DEAD = "dead"
    PRIVATE = "private"  # said while its user had opted out of memory: it is never sent


WAITING_STATES = (MirrorState.PENDING, MirrorState.IN_FLIGHT)
UNSENT_STATES = (*WAITING_STATES, MirrorState.HELD)


class Message(models.Model):
    """One message of a thread, and its outbox entry: what was sent to Zep, how often, and when Zep had it."""

    class Role(models.TextChoices):
        USER = "user"
        ASSISTANT = "assistant"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="messages")
    # No index of its own: `one_message_per_place` begins with it.
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="messages", db_index=False)
    sequence = models.BigIntegerField(help_text="Order within the thread, from 1.")
    client_msg_id = models.UUIDField()
    role = models.CharField(max_length=9, choices=Role)
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    agent = models.CharField(max_length=32, blank=True, default="", help_text="Who answered; empty on a user's.")
    rich = models.JSONField(null=True, blank=True, help_text="What the reply shows beside its text.")
    memory_trace = models.JSONField(null=True, blank=True, help_text="The trace that went out with the reply.")

    mirror_state = models.CharField(max_length=9, choices=MirrorState, default=MirrorState.PENDING)
    mirror_attempts = models.PositiveIntegerField(default=0)
    mirror_error = models.CharField(max_length=32, blank=True, default="", help_text="The last failure's kind.")
    mirror_refusals = models.PositiveSmallIntegerField(default=0, help_text="How often Zep refused the message itself.")
    mirror_strikes = models.PositiveSmallIntegerField(default=0, help_text="Server errors while others went through.")
    mirrored_at = models.DateTimeField(null=True, blank=True)
    replayed_at = models.DateTimeField(null=True, blank=True, help_text="When it was taken back from the dead letters.")
    discarded_at = models.DateTimeField(null=True, blank=True, help_text="When an operator gave the dead letter up.")
    redactions = models.JSONField(null=True, blank=True, help_text="Replaced spans by type.")
    outgoing_parts = models.JSONField(null=True, blank=True, help_text="Redacted parts, kept until acknowledged.")
    # A default of the database's own: during a deployment, workers that do not know the column insert rows too.
    outgoing_policy = models.CharField(max_length=40, blank=True, db_default="", help_text="By which it was redacted.")
    outgoing_sha256 = models.CharField(max_length=64, blank=True, default="", help_text="Of the redacted text.")
    zep_generation = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Grows when Zep has to be told the message anew."
    )

    # Its index is partial, in Meta. Where it is set, `text`, `rich` and `memory_trace` are in the archive's file.
    archive = models.ForeignKey(
        "Archive", on_delete=models.PROTECT, related_name="messages", null=True, blank=True, db_index=False
    )
    text_digest = models.CharField(
        max_length=64, blank=True, db_default="", help_text="Keyed hash of an archived text, for replays."
    )
    retained_since = models.DateTimeField(
        null=True, blank=True, help_text="When its text was first archived; null: it never came back from an archive."
    )

    class Meta:
        constraints: ClassVar = [
            # The id comes first: a nudge looks for it alone (437 ms among ten million messages the other way round).
            models.UniqueConstraint(fields=["client_msg_id", "user"], name="one_message_per_client_msg_id"),
            models.UniqueConstraint(fields=["thread", "sequence"], name="one_message_per_place"),
        ]
        indexes: ClassVar = [
            # Each holds only the few rows it is about, however many messages there are: the backlog figures, the next
            # batch of a thread, and the dead letters.
            models.Index(
                fields=["created_at"],
                name="message_waiting",
                condition=models.Q(mirror_state__in=["pending", "in_flight"]),
            ),
            models.Index(
                fields=["thread", "sequence"],
                name="message_unsent_in_thread",
                condition=models.Q(mirror_state__in=["pending", "in_flight", "held"]),
            ),
            models.Index(
                fields=["created_at"],
                name="message_dead",
                condition=models.Q(mirror_state="dead", discarded_at=None),
            ),
            models.Index(fields=["archive"], name="message_archived", condition=models.Q(archive__isnull=False)),
        ]
        permissions: ClassVar = [("reveal_message", "Can reveal what a message says")]

    def __str__(self) -> str:
        return f"{self.role} message {self.client_msg_id}"

    @property
    def zep_id(self) -> uuid.UUID:
        """Its uuid at Zep; until Zep had to be told it anew, the `message_id` that the API shows too."""
        return zep_message_id(self.thread_id, self.client_msg_id, generation=self.zep_generation)


class Archive(models.Model):
    """A file that holds messages of one thread. The row comes before the file and goes after it, so none is forgotten.

    `writing`: nothing relies on the file yet. `stored`: the messages' texts are in the file and nowhere else.
    `restored`: they are back in their rows. `expired`: kept for as long as they may be; the texts are gone for good.
    """

    class State(models.TextChoices):
        WRITING = "writing"
        STORED = "stored"
        RESTORED = "restored"
        EXPIRED = "expired"

    # Protected: whoever deletes a thread has to remove its files first.
    thread = models.ForeignKey(Thread, on_delete=models.PROTECT, related_name="archives")
    name = models.CharField(max_length=200, unique=True, help_text="Of the file, in the storage.")
    state = models.CharField(max_length=8, choices=State, default=State.WRITING)
    rule = models.CharField(max_length=16, help_text="Why the thread was due.")
    first_sequence = models.BigIntegerField()
    last_sequence = models.BigIntegerField()
    message_count = models.PositiveIntegerField()
    size_bytes = models.BigIntegerField(default=0, help_text="Of the file as it is stored.")
    sha256 = models.CharField(max_length=64, blank=True, default="", help_text="Of the file as it is stored.")
    format_version = models.PositiveSmallIntegerField()
    key_id = models.CharField(max_length=16, blank=True, default="", help_text="Of the key; empty: not encrypted.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # A default of the database's own: during a deployment, workers that do not know the column insert rows too.
    retained_since = models.DateTimeField(
        db_default=Now(), editable=False, help_text="When what it holds was first archived: its time counts from then."
    )
    verified_at = models.DateTimeField(null=True, blank=True, help_text="When the file was last read and found right.")
    restored_at = models.DateTimeField(null=True, blank=True)
    expired_at = models.DateTimeField(null=True, blank=True)
    file_removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["retained_since"], name="archive_retained", condition=models.Q(state="stored")),
            # Files that nothing refers to: of runs that were killed, and of archives whose time is over.
            models.Index(
                fields=["created_at"],
                name="archive_left_over",
                condition=~models.Q(state="stored") & models.Q(file_removed_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"archive {self.pk} of {self.message_count} messages"


class DeadLetter(Message):
    """A message that Zep would not take, as the admin lists it."""

    class Meta:
        proxy = True
