"""What a test reads back of the simulated Discord: plain values, and the refusal that a route raises.

Codes and their meaning: https://docs.discord.com/developers/topics/opcodes-and-status-codes#json.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

JSON = dict[str, Any]

CODES = {
    0: (404, "404: Not Found"),
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10013: (404, "Unknown User"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    50001: (403, "Missing Access"),
    50003: (403, "Cannot execute action on a DM channel"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50013: (403, "Missing Permissions"),
    50021: (403, "Cannot execute action on a system message"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50035: (400, "Invalid Form Body"),
    50083: (400, "Thread is archived"),
    50109: (400, "The request body contains invalid JSON."),
    160002: (403, "Cannot reply without permission to read message history"),
    160004: (400, "A thread has already been created for this message"),
    160005: (400, "Thread is locked"),
}


class Refusal(Exception):
    """An answer that is an error: Discord's code, and what the body says besides; the HTTP status follows from it."""

    def __init__(self, code: int, **body: Any) -> None:
        self.code = code
        self.status, message = CODES[code]
        super().__init__(f"{code} {message}")
        self.body: JSON = {"message": message, "code": code, **body}


def unauthorized() -> Refusal:
    """The answer to a token that is none: code 0 as well, with another status."""
    refused = Refusal(0)
    refused.status, refused.body = 401, {"message": "401: Unauthorized", "code": 0}
    return refused


def form_error(path: str, code: str, message: str) -> Refusal:
    """50035 with the error at its place: `form_error("embeds.0.title", …)`.

    https://docs.discord.com/developers/reference#error-messages
    """
    errors: JSON = {"_errors": [{"code": code, "message": message}]}
    for name in reversed(path.split(".")):
        errors = {name: errors}
    return Refusal(50035, errors=errors)


@dataclass(frozen=True, slots=True)
class Call:
    """One REST call. `route`: method and template, as in the published description; `path`: what was asked for;
    `at`: seconds of the world's clock; `code`: Discord's error code, 0 where the answer is no error of Discord's own.
    """

    route: str
    path: str
    body: Any
    at: float
    status: int
    code: int = 0


class Choice(NamedTuple):
    """One thing that an autocomplete offers: what people read, and what the command gets."""

    name: str
    value: str | int | float
