"""What the demo model says by itself: who it is, what it remembers of the thread, and small courtesies."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.models.demo.words import STOPS
from bot.models.port import FunctionTool, UserText

CONNECT = "For a real model, set OPENAI_API_KEY, or OPENAI_BASE_URL for a local server."
WHO = f"I am Parley's demo model: a rule-based stand-in, not a language model. {CONNECT}"
QUOTE = 300
"""Characters of an earlier message that are repeated at most."""

_NAME = r"([^\W\d_][\w'-]*(?: [A-Z][\w'-]*){0,3})"
_TOLD = re.compile(
    rf"\b(?i:my name is|my name's|i am called|i'm called|you can call me|call me) {_NAME}"
    rf"|^\W*(?:(?i:hi|hello|hey)(?i: there| parley)?[,.! ]+)?(?i:i'm|i am|this is) (?=[A-Z]){_NAME}(?=\W*$)"
)
_MY_NAME = re.compile(
    r"\b(?:what(?:'s| is| was)|do you (?:still )?(?:know|remember)|tell me) my name\b|\bwho am i\b", re.IGNORECASE
)
_MY_WORDS = re.compile(
    r"\bwhat (?:did i|have i|was my|is my|were my)\b[^?.!]{0,40}\b(?:ask|asked|say|said|write|question|message)\b",
    re.IGNORECASE,
)
_FIRST = re.compile(r"\bfirst\b", re.IGNORECASE)
_WHO_ARE_YOU = re.compile(
    r"\b(?:who|what) are you\b|\bare you (?:an?|the|really|human|real|chatgpt|gpt|claude|alive)\b|\byour name\b"
    r"|\b(?:what|which) (?:language )?model\b|\bintroduce yourself\b",
    re.IGNORECASE,
)
_HELP = re.compile(
    r"^\W*help\b|\bwhat can you do\b|\b(?:what|which) tools\b|\byour tools\b|\bhelp\W*$|\bcan you help\b", re.IGNORECASE
)
_THANKS = re.compile(r"\b(?:thanks|thank you|thx|cheers)\b", re.IGNORECASE)
_THANKS_FOR = re.compile(r"^\W*(?:many )?(?:thanks|thank you|thx|cheers)[^?]* for\b[^?]*$", re.IGNORECASE)
_HELLO = re.compile(
    r"^\W*(?:hi|hello|hey|hiya|howdy|greetings|good (?:morning|afternoon|evening|day))\b", re.IGNORECASE
)
_BYE = re.compile(r"^\W*(?:bye|goodbye|good night|see you|farewell)\b", re.IGNORECASE)


def direct(said: Sequence[UserText], tools: Sequence[FunctionTool]) -> str | None:
    """The answer to the last text of `said` where no tool should be looked for: memory, identity, help, thanks."""
    text = _straight(said[-1].text)
    if _MY_WORDS.search(text):
        return _recall(said, _FIRST.search(text) is not None)
    if _MY_NAME.search(text):
        return _remember_name(said)
    if _WHO_ARE_YOU.search(text):
        return f"{WHO} {offer(tools)}"
    if _THANKS_FOR.search(text):
        return f"You are welcome{_by_name(said)}."
    return offer(tools) if _HELP.search(text) and len(text) < 60 else None


def social(said: Sequence[UserText], tools: Sequence[FunctionTool]) -> str:
    """The answer to the last text of `said`, which asked for nothing that a tool could tell."""
    text = _straight(said[-1].text)
    if _HELLO.search(text) or not text.strip():
        return f"Hello{_by_name(said)}! {WHO} {offer(tools)}"
    if _THANKS.search(text):
        return f"You are welcome{_by_name(said)}."
    if _BYE.search(text):
        return f"Goodbye{_by_name(said)}."
    return f"I did not understand that. {WHO} {offer(tools)}"


def introduction(text: str) -> str | None:
    """The name that `text` gives its author."""
    found = _TOLD.search(_straight(text))
    name = (found[1] or found[2]).removesuffix("'s") if found else ""
    return name if name and name.lower() not in STOPS else None


def without_introduction(text: str) -> str:
    return _TOLD.sub(". ", _straight(text)) if introduction(text) else text


def offer(tools: Sequence[FunctionTool]) -> str:
    """Which tools may be called."""
    if not tools:
        return "No tools are offered to me here."
    return f"I can call {', '.join(tool.name for tool in tools)}: ask in plain words."


def _recall(said: Sequence[UserText], first: bool) -> str:
    """The author's own earlier words, and nobody else's."""
    earlier = _own(said)[:-1]
    if not earlier:
        return "That is the first thing you have said in this thread, as far as I can see."
    chosen = " ".join(earlier[0 if first else -1].split())
    quoted = chosen if len(chosen) <= QUOTE else f"{chosen[:QUOTE]}…"
    return f"{'The first thing you said was' if first else 'Before this you said'}: “{quoted}”"


def _own(said: Sequence[UserText]) -> list[str]:
    """What the author of the last text has said."""
    author = said[-1].author
    return [one.text for one in said if (one.author and one.author.id) == (author and author.id)]


def _remember_name(said: Sequence[UserText]) -> str:
    if name := _told_name(said):
        return f"Your name is {name}."
    if author := _author_name(said):
        return f"You have not told me, but your messages carry the name {author}."
    return "You have not told me your name in this thread."


def _told_name(said: Sequence[UserText]) -> str | None:
    """The name that the author of the last text gave last."""
    return next((name for text in reversed(_own(said)) if (name := introduction(text))), None)


def _by_name(said: Sequence[UserText]) -> str:
    name = _told_name(said) or _author_name(said)
    return f", {name}" if name else ""


def _author_name(said: Sequence[UserText]) -> str:
    author = said[-1].author
    return " ".join(author.name.split()) if author else ""


def _straight(text: str) -> str:
    return text[:2000].replace("’", "'")
