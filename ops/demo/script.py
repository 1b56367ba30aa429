"""What is said in the demonstration, by whom and in which thread. Pure text; everybody in it is made up."""

from dataclasses import dataclass

PHONE = "0533 123 45 67"
EMAIL = "ayse@example.com"


@dataclass(frozen=True)
class Line:
    """One message. Lines with the same speaker and thread belong to one conversation."""

    speaker: str
    thread: str
    text: str


AYSE, DENIZ = "ayse", "deniz"

SCRIPT = (
    Line(AYSE, "first", "Hi, I need a 2 bedroom"),
    Line(AYSE, "first", "in Girne"),
    Line(AYSE, "first", f"under 700 gbp, my number is {PHONE} and mail is {EMAIL}"),
    Line(AYSE, "later", "hello again, anything new for me?"),
    Line(DENIZ, "first", "hello, anything new for me?"),
)
