"""Start-up of the assistant: the observer is subscribed and every metric exists at 0."""

from django.apps import AppConfig

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
