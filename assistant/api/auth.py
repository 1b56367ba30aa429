"""Who is asking: a bearer token in the Authorization header, never in the URL."""

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from ninja.security import HttpBearer

from assistant import tokens
from assistant.models import User


class BearerToken(HttpBearer):
    """Answers with the token's user, or None, which is a 401."""

    async def authenticate(self, request: HttpRequest, token: str) -> User | None:
        return await sync_to_async(tokens.owner_of)(token)
