"""`POST /api/chat/`: the HTTP door to a turn."""

from uuid import uuid4

from django.http import HttpRequest
from ninja import NinjaAPI

from assistant.api import errors, me
from assistant.api.auth import BearerToken
from assistant.api.rate_limit import count_message
from assistant.api.schemas import ChatAnswer, ChatRequest, ErrorOut, MemoryTraceOut, ReplyOut, TraceOut
from assistant.conversation import ThreadRef
from assistant.models import User
from assistant.turns import Turn, take_turn

api = NinjaAPI(
    title="Easy Islanders",
    version="1",
    description="A chat assistant for people who rent, buy and live in Northern Cyprus.",
    docs_url="/docs",
    urls_namespace="api",
)
errors.install(api)
api.add_router("", me.router)


@api.post(
    "/chat/",
    auth=BearerToken(),
    response={200: ChatAnswer, frozenset({400, 401, 404, 405, 408, 409, 410, 413, 422, 429, 500, 503}): ErrorOut},
    exclude_none=True,
    summary="Say something",
    url_name="chat",
    tags=["chat"],
)
async def chat(request: HttpRequest, body: ChatRequest) -> ChatAnswer:
    """Store the message, answer it, and remember it. Zep being down is never an error."""
    user: User = request.auth  # type: ignore[attr-defined]  # ninja puts there what BearerToken answered
    await count_message(user.pk)
    turn = await take_turn(ThreadRef(user, body.thread_id), body.message, body.client_msg_id or uuid4())
    return _answer(turn)


def _answer(turn: Turn) -> ChatAnswer:
    reply = turn.reply
    return ChatAnswer(
        ok=True,
        thread_id=turn.thread_id,
        client_msg_id=turn.client_msg_id,
        message_id=turn.message_id,
        reply=ReplyOut(
            text=reply.text,
            agent=reply.agent,
            client_msg_id=reply.client_msg_id,
            rich=dict(reply.rich) if reply.rich is not None else None,
        ),
        trace=TraceOut(memory=MemoryTraceOut.model_validate(reply.memory_trace)),
        replayed=turn.replayed,
    )
