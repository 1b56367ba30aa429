"""Other systems' e-mail and phone finders behind one shape; runs in their environment, with nothing of ours in it.

Reads texts as JSON from standard input and answers, for each system, its speed and what it made of each text. Presidio
needs a language model for its engine, so its e-mail and phone recognisers are called directly, without one.
"""

import importlib
import json
import logging
import sys
import time
from collections.abc import Callable
from typing import Any

Span = tuple[int, int, str]
Find = Callable[[str], list[Span]]
REGIONS = ("TR", "CY", "GB", "DE", "GR", "RU", "US")


def presidio() -> Find:
    """Presidio's two recognisers, the phone one for our users' regions."""
    extract: Any = importlib.import_module("tldextract")
    extract.extract = extract.TLDExtract(suffix_list_urls=())  # its bundled list: no look-up per start
    known = importlib.import_module("presidio_analyzer.predefined_recognizers")
    email, phone = known.EmailRecognizer(), known.PhoneRecognizer(supported_regions=REGIONS)

    def find(text: str) -> list[Span]:
        emails = [(r.start, r.end, "EMAIL") for r in email.analyze(text, ["EMAIL_ADDRESS"], None)]
        phones = [(r.start, r.end, "PHONE") for r in phone.analyze(text, ["PHONE_NUMBER"], None)]
        return emails + phones

    return find


def scrubadub() -> Find:
    """Scrubadub's e-mail and phone detectors, in the one of its locales that finds most here."""
    detectors = importlib.import_module("scrubadub").detectors
    chosen = (detectors.EmailDetector(locale="en_GB"), detectors.PhoneDetector(locale="en_GB"))

    def find(text: str) -> list[Span]:
        return [
            (filth.beg, filth.end, type(filth).__name__.removesuffix("Filth").upper())
            for detector in chosen
            for filth in detector.iter_filth(text)
        ]

    return find


def turbohtml() -> Find:
    """Turbohtml's link detector (native code), with phones of our users' regions."""
    clean = importlib.import_module("turbohtml.clean")
    detector = clean.LinkDetector(bare_domains=False, phones=clean.PhoneNumbers(regions=REGIONS))

    def find(text: str) -> list[Span]:
        return [
            (link.start, link.end, "PHONE" if link.phone else "EMAIL")
            for link in detector.find(text)
            if link.phone or link.url.startswith("mailto:")
        ]

    return find


def replaced(text: str, spans: list[Span]) -> str:
    """Put placeholders in place of the spans, as ours does."""
    for start, end, kind in sorted(spans, reverse=True):
        text = f"{text[:start]}[{kind}]{text[end:]}"
    return text


def seconds(find: Find, texts: list[str]) -> float:
    """Measure one pass over the texts."""
    started = time.process_time()
    for text in texts:
        find(text)
    return time.process_time() - started


def measured(build: Callable[[], Find], given: dict[str, Any]) -> dict[str, Any]:
    """Measure one system: messages a second, dense megabytes a second, and its version of each case."""
    find = build()
    find(given["chat"][0])
    dense = given["dense"]
    return {
        **{f"{kind}_per_second": len(given[kind]) / seconds(find, given[kind]) for kind in ("chat", "figures")},
        "dense_mb_per_second": len(dense) / 1e6 / seconds(find, [dense]),
        "outputs": [replaced(text, find(text)) for text in given["cases"]],
    }


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    task = json.load(sys.stdin)
    json.dump({build.__name__: measured(build, task) for build in (presidio, scrubadub, turbohtml)}, sys.stdout)
