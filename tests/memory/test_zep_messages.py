"""A message that goes out as it is looks like the library's own."""

from dataclasses import replace
from uuid import UUID

import pytest
from zep_python import Message
from zep_python.core.jsonable_encoder import jsonable_encoder

from assistant.memory.redacted import RedactedText
from assistant.memory.zep_messages import OutgoingMessage

WHOLE = OutgoingMessage(UUID(int=1), "user", RedactedText.from_outbox("merhaba \u2600", "email+phone+r1"), UUID(int=2))


@pytest.mark.parametrize("outgoing", [WHOLE, replace(WHOLE, part=2, parts=3), replace(WHOLE, is_late=True)])
def test_it_is_encoded_as_the_library_encodes_a_validated_one(outgoing: OutgoingMessage) -> None:
    plain = outgoing.to_zep()

    validated = Message(
        uuid=plain.uuid_, role=plain.role, role_type=plain.role_type, content=plain.content, metadata=plain.metadata
    )

    assert jsonable_encoder(plain) == jsonable_encoder(validated)
