"""Pen: writes the messages of one reply. It knows how Discord is told, and decides nothing.

https://docs.discord.com/developers/resources/message
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from adapters.discord.calls import TIMEOUT, UPLOADING, Calls, Route
from adapters.discord.components import custom_ids
from adapters.discord.routes import CHANNEL, DIRECTS, MESSAGE, MESSAGES, ORIGINAL, bucket
from adapters.discord.snowflakes import seconds
from adapters.pace import Rank

JSON = Mapping[str, Any]

NOBODY = {"parse": [], "replied_user": False}
"""https://docs.discord.com/developers/resources/message#allowed-mentions-object: an answer notifies nobody."""

NO_PREVIEWS = 1 << 2
"""https://docs.discord.com/developers/resources/message#message-object-message-flags"""

TOKEN_LIFE = 15 * 60.0
"""Seconds: https://docs.discord.com/developers/interactions/receiving-and-responding#followup-messages"""
MARGIN = 15.0
"""Seconds that our clock, and a call on its way, may take of them."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What lets the response to an interaction be written."""

    application: str
    interaction: str
    token: str

    def is_good(self, now: float) -> bool:
        return bool(self.token) and now < seconds(self.interaction) + TOKEN_LIFE - MARGIN

    def route(self, method: str) -> Route:
        return Route(method, ORIGINAL, webhook_id=self.application, webhook_token=self.token)


@dataclass(frozen=True, slots=True)
class File:
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a message is to show."""

    content: str
    components: Sequence[JSON] = ()
    files: Sequence[File] = ()

    @property
    def told(self) -> dict[str, Any]:
        """What sending and editing have in common."""
        told: dict[str, Any] = {
            "content": self.content,
            "components": list(self.components),
            "allowed_mentions": NOBODY,
            "flags": NO_PREVIEWS,
        }
        if self.files:  # in an edit these are all that the message has from then on
            told["attachments"] = [{"id": str(number), "filename": file.name} for number, file in enumerate(self.files)]
        return told


@dataclass(frozen=True, slots=True)
class Pen:
    calls: Calls
    place: str
    run_id: str
    ticket: Ticket | None = None
    """For the response to a command, as long as it can be written."""
    answers: str = ""
    """The message that the first one replies to, where it stands among others."""

    def where(self, segment: str) -> str:
        """The bucket of a message of ours, or of the response (empty)."""
        return bucket("messages", self.ticket.token if self.ticket is not None and not segment else self.place)

    async def send(self, sheet: Sheet, number: int, again: int) -> tuple[str, bool]:
        """Send message `number`; returns its id, and whether it shows the sheet: sent once more within minutes, it is
        the same message, as it was.
        """
        told = sheet.told | {"nonce": nonce(self.run_id, number, again), "enforce_nonce": True}
        if self.answers and number == 0:
            told["message_reference"] = {"message_id": self.answers, "fail_if_not_exists": False}
        route = Route("POST", MESSAGES, channel_id=self.place)
        given = {"timeout": _timeout(sheet), **body(told, *sheet.files)}
        answer = await self.calls.call(route, rank=Rank.FINAL, sure=True, **given)
        return str(answer["id"]), _shows(answer, sheet)

    async def edit(self, id_: str, sheet: Sheet, *, rank: Rank = Rank.FINAL, paced: bool = False) -> None:
        """A state on the way is tried once: a newer one is there before another attempt could be made."""
        route, last = Route("PATCH", MESSAGE, channel_id=self.place, message_id=id_), rank < Rank.STATE
        told = {"attachments": [], **sheet.told}  # a file of an earlier state goes
        given = {"timeout": _timeout(sheet), **body(told, *sheet.files)}
        await self.calls.call(route, rank=rank, patient=last, sure=last, paced=paced, **given)

    async def respond(self, sheet: Sheet, *, rank: Rank = Rank.FINAL, paced: bool = False) -> str:
        """Bring the response to a command to a state; returns its id. Wants a ticket."""
        assert self.ticket is not None
        last = rank < Rank.STATE
        told = {"attachments": [], **sheet.told}  # as there
        given = {"timeout": _timeout(sheet), **body(told, *sheet.files)}
        answer = await self.calls.call(
            self.ticket.route("PATCH"), rank=rank, patient=last, sure=last, paced=paced, **given
        )
        return str(answer["id"])

    async def delete(self, id_: str) -> None:
        route = Route("DELETE", MESSAGE, channel_id=self.place, message_id=id_)
        await self.calls.call(route, rank=Rank.FINAL, sure=True)

    async def unarchive(self) -> None:
        await self.calls.call(self._thread(), rank=Rank.FINAL, json={"archived": False}, sure=True)

    async def archive(self) -> None:
        """Put away a thread of ours: https://docs.discord.com/developers/topics/threads#active--archived-threads"""
        await self.calls.call(self._thread(), rank=Rank.FINAL, json={"archived": True}, sure=True)

    def _thread(self) -> Route:
        return Route("PATCH", CHANNEL, channel_id=self.place)

    async def take_back(self) -> None:
        """Delete the response to a command. Wants a ticket."""
        assert self.ticket is not None
        await self.calls.call(self.ticket.route("DELETE"), rank=Rank.FINAL, sure=True)


async def direct(calls: Calls, person: str) -> str:
    """The direct conversation with a person: https://docs.discord.com/developers/resources/user#create-dm"""
    told = {"recipient_id": person}
    return str((await calls.call(Route("POST", DIRECTS), rank=Rank.FINAL, json=told, sure=True))["id"])


def nonce(run_id: str, number: int, again: int) -> str:
    """24 characters; Discord takes 25: https://docs.discord.com/developers/resources/message#create-message"""
    return hashlib.blake2b(f"{run_id} {number} {again}".encode(), digest_size=12).hexdigest()


def _shows(message: JSON, sheet: Sheet) -> bool:
    """Discord takes the blanks around a text away, and adds to the components."""
    buttons = [*custom_ids(message.get("components") or ())] == [*custom_ids(sheet.components)]
    files = len(message.get("attachments") or ()) == len(sheet.files)
    return buttons and files and str(message.get("content") or "").strip() == sheet.content.strip()


def _timeout(sheet: Sheet) -> aiohttp.ClientTimeout:
    return UPLOADING if sheet.files else TIMEOUT


def body(told: dict[str, Any], *files: File) -> dict[str, Any]:
    """What `Calls.call` is given: https://docs.discord.com/developers/reference#uploading-files"""
    uploads = [
        {
            "name": f"files[{number}]",
            "value": file.content,
            "filename": file.name,
            "content_type": "application/octet-stream",
        }
        for number, file in enumerate(files)
    ]
    if not uploads:
        return {"json": told}
    return {"form": [{"name": "payload_json", "value": json.dumps(told)}, *uploads]}
