"""The control worker's part in the guard of reads: a tick every ten seconds, and probes that operators ask for."""

from contextlib import suppress

from celery import shared_task

from assistant import loops
from assistant.memory import asked_probes, heartbeats, recovery
from assistant.memory.probe import probe
from assistant.redis_link import RedisDown
from workers.alerts import tell_webhook_of_transitions


@shared_task(ignore_result=True)
def tick() -> None:
    """Keep the guard's state and history, and probe if due. Twice at once does no harm; without Redis it ends."""
    with suppress(RedisDown):  # it has been announced; the next tick tries again
        loops.run(heartbeats.beat("control"))
        recovery.tick()
    tell_webhook_of_transitions()


def keep_state() -> None:
    """Keep the guard's history and state, and leave the probe to beat's tick. Without Redis it ends."""
    with suppress(RedisDown):
        recovery.keep_state()


@shared_task(ignore_result=True)
def probe_now(question: str) -> None:
    """Probe although it is not due, and leave the answer for who asked."""
    with suppress(RedisDown):
        outcome = loops.run(probe(although_not_due=True))
        loops.run(asked_probes.answer(question, outcome))
        recovery.tick()
