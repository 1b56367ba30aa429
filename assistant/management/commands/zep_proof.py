"""`manage.py zep_proof CLIENT_MSG_ID`: what became of one message."""

import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from assistant.management.operator import as_json, message_id
from assistant.memory.proof import Proof, prove

NOT_PROVED = 1


class Command(BaseCommand):
    help = (
        "Prove a message's way to Zep: saved, redacted, sent, accepted, read back just now. Exit code: 0 every match "
        "is at Zep, 1 one is not or there is none, 2 wrong usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_msg_id", type=message_id)
        parser.add_argument("--thread", help="only in this thread (two users may have used the same id)")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *_: Any, **options: Any) -> None:
        proofs = prove(options["client_msg_id"], options["thread"])
        for proof in proofs:
            self.stdout.write(as_json(asdict(proof)) if options["json"] else _text(proof))
        if not proofs:
            self.stderr.write("no such message")
        if not proofs or not all(proof.holds for proof in proofs):
            sys.exit(NOT_PROVED)


def _text(proof: Proof) -> str:
    redacted = ", ".join(f"{kind} {count}" for kind, count in (proof.redactions or {}).items()) or "nothing to redact"
    error = f", {proof.last_error}" if proof.last_error else ""
    return "\n".join(
        (
            f"message    {proof.client_msg_id} ({proof.role}, thread {proof.thread_id})",
            f"saved      {proof.saved_at.isoformat()}",
            f"redacted   {redacted if proof.redactions is not None else 'not yet'}",
            f"sent       attempts {proof.attempts}, state {proof.state}{error}",
            f"accepted   {proof.accepted_at.isoformat() if proof.accepted_at else 'no'} (Zep uuid {proof.zep_uuid})",
            f"read back  {proof.read_back}",
        )
    )
