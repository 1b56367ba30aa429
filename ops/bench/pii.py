"""How fast and how right redaction is, beside other systems (`make bench PART=pii`); needs no settings, no server."""

import argparse
import json
import math
import os
import platform
import random
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from assistant.memory.pii import redact_emails, redact_phones, redact_pii
from tests.memory.pii_corpus import KINDS, Case, cases

RIVALS = ("presidio-analyzer==2.2.366", "scrubadub==2.0.1", "turbohtml==1.15.4")
MESSAGES = 2_000
MESSAGE_LENGTH = 200
DENSE_LENGTH = 100_000
MEGABYTE = 1_000_000
TALK = ("chat",)
GOAL_TIMES_PRESIDIO = 20
_ROUNDS = 3
GOAL_HOSTILE_SECONDS = 0.5
GOAL_EXPONENT = 1.1

HOSTILE = {
    "digits": "7",
    "a@": "a@",
    "1 and space": "1 ",
    "(": "(",
    "a.": "a.",
    "@a.a.": "@a.a.",
    "-at-": "-at-",
    "+1 ": "+1 ",
    "zero width": "\u200b",
    "clean prose": "We are looking at a nice flat near the sea, 3+1 for 120,000, free from 01.12.2025. ",
    "Turkish prose": "Merhaba, Girne'de denize yakın 2+1 kiralık daire arıyorum, bütçem 700 gbp. ",
    "phones only": "0533 123 45 67 ",
    "e-mails only": "ali@example.com ",
    "mobiles only": "5331234567 ",
    "pairs of digits": "05 ",
    "split by words": "0533 sonra ",
    "announced": "tel 228 5566 ",
    "half numbers": "0533 123 +90 53 ",
    "letters as zeros": "o533 123 45 67 ",
    "o0 ": "o0 ",
    "number words": "one two ",
    "said and written": "o o 1 ",
    "emoji between": "😀1",
    "hidden between": "1\u200b",
    "marks between": "1\u0301",
    "entities": "&#49;",
    "Arabic digits": "\u0663 ",
    "underscores": "1_",
    "colons": "1:1",
    "all separators": "5.3-3/1 ",
    "nested brackets": "([1)]",
    "closed brackets": "5)",
    "dates cut short": "2025-01-",
    "no e-mail": "[EMAIL]@a.b ",
    "one token": "x",
}


T = TypeVar("T")


class Quality(NamedTuple):
    """How much of what is personal was found, how exactly, and how many clean texts were touched; shares."""

    emails: float
    phones: float
    exact: float
    clean_touched: float


class Texts(NamedTuple):
    """What every system is timed on."""

    chat: list[str]
    figures: list[str]
    dense: str


def main(argv: list[str]) -> int:
    """Print the tables; with `--alone`, without the other systems."""
    parser = argparse.ArgumentParser(prog="python -m ops.bench.pii", description=__doc__)
    parser.add_argument("--alone", action="store_true", help="skip the other systems and their environment")
    alone = parser.parse_args(argv).alone
    print(
        f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}"
    )
    _print_systems(alone=alone)
    _print_hostile()
    _print_categories()
    return 0


def _print_systems(*, alone: bool) -> None:
    known = [case for kind in ("email", "phone", "clean") for case in cases(kind)]
    texts = Texts(_messages(known, figures_in=4), _messages(known, figures_in=1), _dense(known))
    rounds = [{"ours": _ours(texts, known)} | ({} if alone else _rivals(texts, known)) for _ in range(_ROUNDS)]
    results = {name: _best_of([round_[name] for round_ in rounds]) for name in rounds[0]}
    print(f"\n{MESSAGE_LENGTH}-character messages, dense text of {DENSE_LENGTH // 1000} kB, {len(known)} cases")
    print(
        "chat: talk, an e-mail or phone in one of four, a figure from the hard cases in one of four; figures: in each"
    )
    print(
        f"{'system':12}{'chat/s':>12}{'figures/s':>12}{'dense MB/s':>12}"
        f"{'e-mails':>9}{'phones':>9}{'exact':>9}{'clean hit':>11}"
    )
    for name, result in results.items():
        quality = _quality(known, result["outputs"])
        print(
            f"{name:12}{result['chat_per_second']:12,.0f}{result['figures_per_second']:12,.0f}"
            f"{result['dense_mb_per_second']:12.2f}"
            f"{quality.emails:9.1%}{quality.phones:9.1%}{quality.exact:9.1%}{quality.clean_touched:11.1%}"
        )
    if "presidio" in results:
        for kind in ("chat", "figures"):
            times = results["ours"][f"{kind}_per_second"] / results["presidio"][f"{kind}_per_second"]
            verdict = _verdict(times >= GOAL_TIMES_PRESIDIO)
            print(f"{kind}, ours / presidio: {times:.1f}x ({verdict}: {GOAL_TIMES_PRESIDIO}x)")
        print(f"best of {_ROUNDS} rounds for each, taken in turns, in processor time")
        print("presidio: its e-mail and phone recognisers called directly, without a language model")


def _print_hostile() -> None:
    print(f"\n{'hostile text':18}{'0.5 MB':>9}{'1 MB':>9}{'growth':>9}")
    for name, unit in HOSTILE.items():
        # Whole units: one cut short at the end is another text, which may have to be looked at once more.
        half, whole = (_best(redact_pii, unit * (length // len(unit))) for length in (MEGABYTE // 2, MEGABYTE))
        exponent = math.log2(whole / half)
        goals = _verdict(whole <= GOAL_HOSTILE_SECONDS and exponent <= GOAL_EXPONENT)
        print(f"{name:18}{half:8.2f}s{whole:8.2f}s   n^{exponent:4.2f}  {goals}")


def _print_categories() -> None:
    print(f"\n{'category':52}{'cases':>6}{'recall':>9}{'exact':>9}")
    for kind in KINDS:
        for category, group in groupby(cases(kind), key=lambda case: case.category):
            members = list(group)
            outputs = [redact_pii(case.text, redact_address=kind == "address")["text"] for case in members]
            recall = _share(_is_gone(case, output) for case, output in zip(members, outputs, strict=True))
            exact = _share(output == case.expected for case, output in zip(members, outputs, strict=True))
            found = "-" if kind == "clean" else f"{recall:.1%}"
            print(f"{kind + ': ' + category:52}{len(members):6}{found:>9}{exact:9.1%}")


def _messages(known: list[Case], *, figures_in: int) -> list[str]:
    """Messages of equal length: talk, an e-mail or phone in one of four, and in one of so many a figure.

    Figures are of the hard cases (an IBAN, a MAC address, a row of prices); talk has rooms and prices of its own.
    """
    chance = random.Random(5)  # noqa: S311 - the same texts each time, no secret
    talk = [case.text for case in known if case.category in TALK]
    figures = [case.text for case in known if case.kind == "clean" and case.category not in TALK]
    personal = [case.text for case in known if case.personal]
    texts = []
    for place in range(MESSAGES):
        parts = [chance.choice(personal if place % 4 == 0 else talk)]
        if (place // 4) % figures_in == 0:
            parts.insert(0, chance.choice(figures))
        while sum(map(len, parts)) < MESSAGE_LENGTH:
            parts.append(chance.choice(talk))
        texts.append(". ".join(parts)[:MESSAGE_LENGTH])
    return texts


def _dense(known: list[Case]) -> str:
    lines = "\n".join(case.text for case in known if case.personal) + "\n"
    return (lines * (DENSE_LENGTH // len(lines) + 1))[:DENSE_LENGTH]


def _ours(texts: Texts, known: list[Case]) -> dict[str, Any]:
    redact_pii(texts.chat[0])
    return {
        "chat_per_second": len(texts.chat) / _seconds(_redact_all, texts.chat),
        "figures_per_second": len(texts.figures) / _seconds(_redact_all, texts.figures),
        "dense_mb_per_second": len(texts.dense) / MEGABYTE / _seconds(redact_pii, texts.dense),
        "outputs": [redact_phones(redact_emails(case.text)[0])[0] for case in known],
    }


def _redact_all(messages: list[str]) -> None:
    for text in messages:
        redact_pii(text)


def _best_of(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a system's best speeds over the rounds; what it makes of the texts is the same in all."""
    best = {key: max(result[key] for result in rounds) for key in rounds[0] if key.endswith("_per_second")}
    return rounds[0] | best


def _rivals(texts: Texts, known: list[Case]) -> dict[str, Any]:
    """Measure the other systems in an environment of their own."""
    task = texts._asdict() | {"cases": [case.text for case in known]}
    script = Path(__file__).with_name("pii_rivals.py")
    done = subprocess.run(
        [_rivals_python(), str(script)], input=json.dumps(task), capture_output=True, text=True, check=True
    )
    results: dict[str, Any] = json.loads(done.stdout)
    return results


def _rivals_python() -> str:
    """Return the interpreter of the environment, made and filled on first use."""
    folder = Path(os.environ.get("LOCAL_DIR", ".local")) / "bench-venv"
    python, filled = folder / "bin" / "python", folder / "filled"
    if not filled.exists() or filled.read_text() != " ".join(RIVALS):
        print(f"installing {', '.join(RIVALS)} into {folder}", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *RIVALS], check=True)
        filled.write_text(" ".join(RIVALS))
    return str(python)


def _quality(known: list[Case], outputs: list[str]) -> Quality:
    judged = list(zip(known, outputs, strict=True))
    return Quality(
        emails=_share(_is_gone(case, output) for case, output in judged if case.kind == "email"),
        phones=_share(_is_gone(case, output) for case, output in judged if case.kind == "phone"),
        exact=_share(output == case.expected for case, output in judged if case.personal),
        clean_touched=_share(output != case.text for case, output in judged if case.kind == "clean"),
    )


def _is_gone(case: Case, output: str) -> bool:
    """Say whether every marked part was replaced, its neighbours perhaps with it."""
    return (
        bool(case.personal)
        and output.count(f"[{case.kind.upper()}]") >= len(case.personal)
        and not any(part in output for part in case.personal)
    )


def _share(claims: Iterable[bool]) -> float:
    listed = list(claims)
    return sum(listed) / len(listed)


def _best(work: Callable[[T], object], given: T) -> float:
    """Return the seconds of the best of three runs."""
    return min(_seconds(work, given) for _ in range(_ROUNDS))


def _seconds(work: Callable[[T], object], given: T) -> float:
    """Return the processor time of one run."""
    started = time.process_time()
    work(given)
    return time.process_time() - started


def _verdict(is_met: object) -> str:
    return "goal met" if is_met else "goal missed"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
