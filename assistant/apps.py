"""Start-up of the assistant: the observer is subscribed, every metric exists at 0, tracing begins where it is on."""

from django.apps import AppConfig
from django.conf import settings

from assistant import events


class AssistantConfig(AppConfig):
    name = "assistant"

    def ready(self) -> None:
        from assistant.monitoring import latencies, metrics, observer  # noqa: PLC0415  # imports models, which are loaded by now
        from assistant.monitoring.observers import personal_data  # noqa: PLC0415

        events.subscribe(observer.observe)
        events.subscribe(latencies.observe)
        metrics.warm_metrics()
        personal_data.warm()
        if settings.OTEL_IS_USABLE:
            from assistant.monitoring import tracing  # noqa: PLC0415  # needs the extra `otel`; off, it costs nothing

            tracing.start()
