"""`POST /api/chat/`: the HTTP door to a turn."""

import time
from uuid import uuid4

from django.http import HttpRequest
from ninja import NinjaAPI

from assistant.api import errors
from assistant.api.auth import BearerToken
from assistant.api.rate_limit import count_message
from assistant.api.schemas import ChatAnswer, ChatRequest, ErrorOut, ReplyOut, TraceOut
from assistant.conversation import ThreadRef
from assistant.events import TurnTaken, announce
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


@api.post(
    "/chat/",
    auth=BearerToken(),
    response={200: ChatAnswer, frozenset({400, 401, 404, 409, 413, 422, 429, 503}): ErrorOut},
    exclude_unset=True,
    summary="Say something",
    url_name="chat",
    tags=["chat"],
)
async def chat(request: HttpRequest, body: ChatRequest) -> ChatAnswer:
    """Store the message, answer it, and remember it. Zep being down is never an error."""
    started = time.perf_counter()
    user: User = request.auth  # type: ignore[attr-defined]  # ninja puts there what BearerToken answered
    await count_message(user.pk)
    turn = await take_turn(ThreadRef(user, body.thread_id), body.message, body.client_msg_id or uuid4())
    announce(_taken(turn, time.perf_counter() - started))
    return _answer(turn)


def _answer(turn: Turn) -> ChatAnswer:
    reply = turn.reply
    shown = {"rich": dict(reply.rich)} if reply.rich is not None else {}
    return ChatAnswer(
        ok=True,
        thread_id=turn.thread_id,
        client_msg_id=turn.client_msg_id,
        message_id=turn.message_id,
        reply=ReplyOut(text=reply.text, agent=reply.agent, client_msg_id=reply.client_msg_id, **shown),
        trace=TraceOut(memory=dict(reply.memory_trace)),
        replayed=turn.replayed,
    )


def _taken(turn: Turn, seconds: float) -> TurnTaken:
    return TurnTaken(
        thread_id=turn.thread_id,
        client_msg_id=str(turn.client_msg_id),
        agent=turn.reply.agent,
        replayed=turn.replayed,
        history_size=turn.history_size,
        seconds=seconds,
        memory=dict(turn.reply.memory_trace),
    )
