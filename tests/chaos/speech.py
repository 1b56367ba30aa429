"""What people say in a run: made from a seed, with personal data whose redaction is known without the product."""

import re
from random import Random

EMAILS = tuple(f"canary{number}.kuslar@example.com" for number in range(20))
PHONES = tuple(f"+90 533 871 {number:02} {number + 7:02}" for number in range(20))
CANARIES = (*EMAILS, *PHONES)
EMAIL, PHONE = re.compile(r"canary\d+\.kuslar@example\.com"), re.compile(r"\+90 533 871 \d\d \d\d")
WORDS = ("villa", "Girne", "bütçe", "ευχαριστώ", "спасибо", "sea view", "tomorrow", "два", "İskele", "rent", "🏠", "ok")


def sentence(random: Random, number: int) -> str:
    """One message; now and then longer than Zep takes in one."""
    words = [f"m{number}", *random.choices(WORDS, k=random.randint(2, 12))]
    if random.random() < 0.3:
        words.insert(random.randint(1, len(words)), f"mail {random.choice(EMAILS)} please")
    if random.random() < 0.3:
        words.insert(random.randint(1, len(words)), f"call {random.choice(PHONES)} please")
    if random.random() < 0.02:
        words += ["long"] * random.randint(600, 1_300)
    return " ".join(words)


def redacted(text: str) -> str:
    """The text as Zep must have it."""
    return PHONE.sub("[PHONE]", EMAIL.sub("[EMAIL]", text))
