"""What operators do in the admin, as log lines; who did it is in the audit."""

import structlog

from assistant import events
from assistant.events import Event

log = structlog.get_logger("easy_islanders")
EVENTS = (events.LogInLocked, events.MessageRevealed)


def observe(event: Event) -> None:
    match event:
        case events.LogInLocked():
            log.warning("admin_log_in_locked")
        case events.MessageRevealed(actor_pk):
            log.info("admin_message_revealed", operator=actor_pk)
