"""Django's middleware where ours differs. Knows which addresses are asked from inside, and nothing of views."""

from django.http import HttpRequest, HttpResponseNotAllowed, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware

from assistant.api.errors import in_the_one_shape

ASKED_FROM_INSIDE = frozenset({"/healthz", "/readyz", "/api/metrics/"})


class HostCheckedMiddleware(CommonMiddleware):
    """Refuses foreign host names, but not where load balancers and Prometheus ask by an address that nobody can list.

    What is answered there depends on no host name. Refused methods are answered in the API's shape on the way out.
    """

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        if request.path in ASKED_FROM_INSIDE:
            return None
        return super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if isinstance(response, HttpResponseNotAllowed):
            in_the_one_shape(request, response)
        return super().process_response(request, response)
