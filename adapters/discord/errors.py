"""What Discord says when a call fails, as one error: a sentence for the operator that says what to do, Discord's own
code for those who know better, and whether the call may have had an effect all the same.

The codes are those of https://docs.discord.com/developers/topics/opcodes-and-status-codes#json
"""

from __future__ import annotations

import re

import aiohttp
import discord

from adapters.effort import CallError

PAUSE = 5.0
"""Seconds to wait after a 429 that does not say how long."""

UNKNOWN_CHANNEL, UNKNOWN_MESSAGE = 10003, 10008
UNKNOWN_WEBHOOK, UNKNOWN_INTERACTION, INVALID_TOKEN = 10015, 10062, 50027
ANSWERED_ALREADY = 40060
MISSING_ACCESS, NOT_TO_THIS_PERSON, MISSING_PERMISSIONS, NO_COMMON_SERVER = 50001, 50007, 50013, 50278
TOO_FAST = 40003
"""Direct conversations are opened too fast."""
TOO_LARGE = 40005
ARCHIVED, LOCKED, THREAD_EXISTS = 50083, 160005, 160004

TOKEN_OVER = frozenset({UNKNOWN_WEBHOOK, UNKNOWN_INTERACTION, INVALID_TOKEN})
"""What Discord says of an interaction that was never answered, or whose fifteen minutes are over."""

NO_REPLY = frozenset({160002, 160009})
"""What Discord says of a reply to a message that it does not let be replied to."""

NO_ACCESS = frozenset({MISSING_ACCESS, MISSING_PERMISSIONS})

_SENTENCES = {
    UNKNOWN_CHANNEL: "Discord knows no such channel for {what}: it may have been deleted.",
    UNKNOWN_MESSAGE: "Discord does not find the message for {what}: it may have been deleted.",
    MISSING_ACCESS: "Parley may not see the channel of {what}: give its role View Channel there.",
    MISSING_PERMISSIONS: "Parley lacks a permission for {what}: `parley doctor` names those it needs.",
    NOT_TO_THIS_PERSON: "This person takes no direct messages from Parley.",
    NO_COMMON_SERVER: "This person is in no server with Parley, and takes no direct messages from it.",
    TOO_FAST: "Discord wants direct conversations to be opened more slowly.",
    TOO_LARGE: "Discord refuses a message with so much in it.",
    LOCKED: "Nothing can be written in the thread: it is locked.",
    **dict.fromkeys(TOKEN_OVER, "The time in which Discord takes an answer to this command or press is over."),
}


class DiscordError(CallError):
    """A call that Discord refused or failed.

    `what` is the call, by its template; `status` is 0 where there was no answer, `code` 0 where Discord gave none.
    """

    def __init__(
        self,
        sentence: str,
        *,
        what: str,
        status: int = 0,
        code: int = 0,
        retry_after: float | None = None,
        permanent: bool = False,
        lost: bool = False,
        everywhere: bool = False,
    ) -> None:
        super().__init__(sentence, retry_after=retry_after, permanent=permanent, lost=lost, limited=status == 429)
        self.what = what
        self.status = status
        self.code = code
        self.everywhere = everywhere
        """A pause is asked for from all calls."""


class Paused(Exception):
    """Discord asks for a pause, in seconds; `everywhere`: from all calls."""

    def __init__(self, seconds: float, *, everywhere: bool) -> None:
        super().__init__(seconds)
        self.seconds = seconds
        self.everywhere = everywhere


def pause_of(response: aiohttp.ClientResponse) -> float:
    """The seconds of a pause that an answer asks for; 0 where it asks for none."""
    if response.status != 429:
        return 0.0
    seconds = response.headers.get("Retry-After", "").strip()
    return max(1.0, float(seconds)) if re.fullmatch(r"\d+(\.\d+)?", seconds) else PAUSE


def limited(what: str, seconds: float, *, everywhere: bool) -> DiscordError:
    sentence = f"Discord wants fewer calls of {what}."
    return DiscordError(sentence, what=what, status=429, retry_after=seconds, everywhere=everywhere)


def refused(what: str, error: discord.HTTPException) -> DiscordError:
    """From an answer that discord.py did not take. A 429 without a `Via` header is of the network before Discord."""
    status, code = error.status, error.code
    if status == 429:
        return limited(what, pause_of(error.response), everywhere="Via" not in error.response.headers)
    if code == TOO_FAST:
        return DiscordError(_sentence(what, status, code), what=what, status=status, code=code, retry_after=PAUSE)
    lost = status >= 500 or status == 408
    return DiscordError(
        _sentence(what, status, code), what=what, status=status, code=code, permanent=not lost, lost=lost
    )


def broken(what: str, trouble: Exception) -> DiscordError:
    """From a connection that was not made, was lost or silent for too long, or an answer nobody can read."""
    unsent = isinstance(trouble, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    if unsent:
        return DiscordError("Discord cannot be reached: check the network and DISCORD_API_URL.", what=what)
    return DiscordError(f"The connection to Discord was lost before it answered {what}.", what=what, lost=True)


def _sentence(what: str, status: int, code: int) -> str:
    if code in _SENTENCES:
        return _SENTENCES[code].format(what=what)
    if status == 401:
        return "Discord refuses the bot's token: set DISCORD_TOKEN anew."
    if status >= 500:
        return f"Discord is in trouble (HTTP {status} for {what}): https://discordstatus.com tells more."
    if code:
        return f"Discord refuses {what} (error {code})."
    return f"What answered {what} with HTTP {status} is not Discord's API: check DISCORD_API_URL."
