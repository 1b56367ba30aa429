"""From a row to what is sent for it: redacted once, split at Zep's limit, under ids that never change. No I/O."""

import hashlib
from collections.abc import Iterator, Sequence

from assistant.memory.redacted import RedactedText, RedactionFailed
from assistant.memory.zep_client import MESSAGE_MAX_CHARACTERS, MESSAGES_PER_CALL, OutgoingMessage
from assistant.models import Message, zep_message_id


def redact_into(row: Message) -> bool:
    """Fill in the row's redacted parts. False where redaction failed: then nothing of the message may be sent.

    Nor may an archived message, whose text is elsewhere.
    """
    if row.archive_id is not None:
        return False
    try:
        redacted = RedactedText(row.text)
    except RedactionFailed:
        return False
    row.outgoing_parts = split(redacted.text)
    row.outgoing_policy = redacted.policy
    row.redactions = dict(redacted.counts)
    row.outgoing_sha256 = hashlib.sha256(redacted.text.encode()).hexdigest()
    return True


def split(text: str) -> list[str]:
    """The text in parts of at most 2,500 characters, as Zep counts them: Unicode code points."""
    return [text[at : at + MESSAGE_MAX_CHARACTERS] for at in range(0, len(text), MESSAGE_MAX_CHARACTERS)]


def messages_of(row: Message) -> list[OutgoingMessage]:
    """What goes to Zep for a redacted row: one message, or its numbered parts."""
    parts: list[str] = row.outgoing_parts or []
    return [
        OutgoingMessage(
            uuid=zep_message_id(row.thread_id, row.client_msg_id, part, row.zep_generation),
            role=row.role,
            text=RedactedText.from_outbox(text, row.outgoing_policy),
            client_msg_id=row.client_msg_id,
            part=part,
            parts=len(parts),
            is_late=row.replayed_at is not None,
        )
        for part, text in enumerate(parts, start=1)
    ]


def within_limits(rows: Sequence[Message]) -> Iterator[list[Message]]:
    """Cut the rows into runs of at most 30 outgoing messages; a row's parts stay together."""
    run: list[Message] = []
    size = 0
    for row in rows:
        parts = len(row.outgoing_parts or [])
        if run and size + parts > MESSAGES_PER_CALL:
            yield run
            run, size = [], 0
        run.append(row)
        size += parts
    if run:
        yield run


def is_text_of(row: Message, text_at_zep: str) -> bool:
    """Whether Zep's text of the row's first part is what was sent, by the hash that the row keeps."""
    if not row.outgoing_sha256:
        return False
    if hashlib.sha256(text_at_zep.encode()).hexdigest() == row.outgoing_sha256:
        return True
    return len(text_at_zep) == MESSAGE_MAX_CHARACTERS  # the first part of several: the hash is of the whole
