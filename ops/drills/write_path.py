"""Messages reach Zep once, in order and redacted, and nothing else keeps what was taken out."""

from assistant.memory.proof import prove
from assistant.models import Message
from ops.drills.isolation import Servers
from ops.drills.steps import Steps
from ops.drills.world import World

CANARIES = ("drill.canary@example.com", "533 812 34 56")
SAID = f"need a flat in girne, call +90 {CANARIES[1]} or write to {CANARIES[0]}"
PLACEHOLDERS = ["[EMAIL]", "[PHONE]"]
THREADS, TURNS_EACH = 5, 4


def run(servers: Servers, steps: Steps) -> None:
    world = World(servers, steps)
    with world.worker():
        _is_redacted(world, steps)
        said = [world.say() for _ in range(THREADS)]
        said += [world.say(each.thread_id) for each in said for _ in range(TURNS_EACH - 1)]
        steps.same("Turns answered", THREADS * TURNS_EACH, lambda: sum(each.is_answered for each in said))
        world.expect_all_mirrored()
        world.expect_fast_writes()


def _is_redacted(world: World, steps: Steps) -> None:
    answer = world.say(message=SAID)
    steps.same("A message with an e-mail address and a phone number is accepted", True, lambda: answer.memory["used"])
    world.expect_all_mirrored("It and its answer reach Zep")
    held = " ".join(world.servers.standin.thread(answer.thread_id).contents)
    steps.same("Placeholders at Zep", PLACEHOLDERS, lambda: [each for each in PLACEHOLDERS if each in held])
    steps.same("Canaries at Zep", 0, lambda: _canaries_in(held))
    steps.same("Canaries in all that was ever written to Redis", 0, lambda: _canaries_in(_written_to_redis(world)))
    steps.same("Canaries in the log", 0, lambda: _canaries_in(" ".join(world.logged)))
    steps.same("Canaries kept beside the message's own text", 0, _canaries_beside_the_text)
    counted = {"email": 1, "phone": 1}
    steps.same("Redactions written down", counted, lambda: Message.objects.get(text=SAID).redactions)
    steps.same("Redactions counted", counted, lambda: _counted(world))
    ids = list(Message.objects.values_list("client_msg_id", flat=True))
    steps.same("Messages proved to be at Zep", 2, lambda: sum(proof.holds for each in ids for proof in prove(each)))


def _counted(world: World) -> dict[str, int]:
    samples = world.samples()
    return {kind: int(samples[f'memory_zep_redactions_total{{field_type="{kind}"}}']) for kind in ("email", "phone")}


def _canaries_in(text: str) -> int:
    return sum(canary in text for canary in CANARIES)


def _canaries_beside_the_text() -> int:
    rows = Message.objects.values_list("outgoing_parts", "redactions", "memory_trace", "mirror_error")
    return sum(_canaries_in(str(row)) for row in rows)


def _written_to_redis(world: World) -> str:
    """Its append-only file: every command that changed anything."""
    files = (world.servers.redis.folder / "appendonlydir").glob("*.aof")
    return " ".join(each.read_text(encoding="utf-8", errors="replace") for each in files)
