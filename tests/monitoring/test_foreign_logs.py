"""Of other libraries' lines the words and numbers stay; what they quote does not."""

import logging

import pytest

from assistant.monitoring.foreign_logs import WithoutForeignText

URL = "redis://:hunter2@10.0.0.1:6379/0"


def said(name: str, template: object, *arguments: object) -> str | None:
    """What is left of the line, None where nothing is."""
    record = logging.LogRecord(name, logging.ERROR, __file__, 1, template, arguments, None)
    return record.getMessage() if WithoutForeignText().filter(record) else None


@pytest.mark.parametrize(
    ("name", "line", "left"),
    [
        ("kombu.connection", ("cannot connect to %s: %s", URL, ValueError("ayse")), "cannot connect to …: ValueError"),
        ("celery.worker", ("body: %s (%sb)", {"text": "hello"}, 12), "body: … (12b)"),
        ("redis", (f"retrying {URL} in 3 s",), "retrying … in 3 s"),
        ("httpx", ("HTTP Request: %s %s %d", "GET", "http://zep/?q=ayse", 200), "HTTP Request: … … 200"),
        ("aiohttp.client", ("cannot read 'call 0533 123'",), "cannot read …"),
        ("asyncio", ("Task was never\nfuture: <Task ayse>",), "Task was never…"),
        ("uvicorn.error", ("Running on %s://%s:%d", "http", "127.0.0.1", 80), "Running on http://127.0.0.1:80"),
        ("uvicorn.error", ('%s - "WebSocket %s" [accepted]', "127.0.0.1:5", "/ws/chat/ayse-yilmaz/"),
            '… - "WebSocket …" [accepted]'),
        ("uvicorn.error", ('%s - "WebSocket %s" %d', "127.0.0.1:5", "/ws/chat/ayse-yilmaz/", 500),
            '… - "WebSocket …" 500'),
        ("uvicorn.error", (OSError(98, "ayse"),), "OSError: Address already in use"),
        ("django.request", ("Internal Server Error: %s", "/api/ayse@example.com"), "request_failed "),
        ("ninja", (ValueError("ayse"),), "ValueError"),
        ("any", ("%d people", "ayse"), "%d people"),
        ("django.security.DisallowedHost", ("Invalid host: ayse",), None),
        ("easy_islanders", ("ours: %s", "told as it is"), "ours: told as it is"),
    ],
)  # fmt: skip
def test_a_line_keeps_its_words_and_numbers(name: str, line: tuple[object, ...], left: str | None) -> None:
    assert said(name, *line) == left


def test_a_failed_task_is_named() -> None:
    arguments = {"id": "1", "name": "t", "description": "raised unexpected", "exc": "ValueError('ayse')", "args": "x"}
    template, info = "Task %(name)s[%(id)s] %(description)s: %(exc)s", (ValueError, ValueError("ayse"), None)
    record = logging.LogRecord("celery.app.trace", logging.ERROR, __file__, 1, template, (arguments,), info)

    assert WithoutForeignText().filter(record)
    assert record.getMessage() == "Task t[1] raised unexpected: ValueError"


def test_two_handlers_decide_alike() -> None:
    record = logging.LogRecord("django.security.DisallowedHost", logging.ERROR, __file__, 1, "ayse", (), None)

    assert [WithoutForeignText().filter(record), WithoutForeignText().filter(record)] == [False, False]
