"""Django's middleware where ours differs. Knows which addresses are asked from inside, nothing of their answers."""

from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware

ASKED_FROM_INSIDE = frozenset({"/healthz", "/readyz", "/api/metrics/"})


class HostCheckedMiddleware(CommonMiddleware):
    """Refuses foreign host names, but not where load balancers and Prometheus ask by an address that nobody can list.

    What is answered there depends on no host name.
    """

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        if request.path in ASKED_FROM_INSIDE:
            return None
        return super().process_request(request)
