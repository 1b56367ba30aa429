"""Who is asking: a bearer token in the Authorization header, never in the URL."""

from django.http import HttpRequest
from ninja.errors import AuthenticationError
from ninja.security.base import AuthBase

from assistant import tokens
from assistant.database import in_database
from assistant.models import User


class BearerToken(AuthBase):
    """Answers with the token's user. Not ninja's own HttpBearer: in debug mode that one logs the header."""

    openapi_type = "http"
    openapi_scheme = "bearer"

    async def __call__(self, request: HttpRequest) -> User:
        scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
        user = await in_database(tokens.owner_of, token.strip()) if scheme.casefold() == "bearer" else None
        if user is None:
            raise AuthenticationError
        return user
