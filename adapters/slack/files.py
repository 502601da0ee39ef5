"""Fetches the files of messages from Slack, with the bot token, and gives that token to nobody else.

https://docs.slack.dev/reference/objects/file-object#authentication
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urljoin

import aiohttp
import structlog

from adapters.fetching import TIMEOUT, body, is_at
from adapters.pace import Rank
from adapters.slack.calls import Calls, SlackError
from bot.assistants.types import well_formed
from bot.errors import PlatformError

ADDRESS = re.compile(r"https://(?:[a-z0-9-]+\.)*slack(?:-gov)?\.com(?::443)?(?:[/?#]\S*)?", re.IGNORECASE | re.ASCII)
"""Where Slack keeps files, beside the server that `SLACK_API_URL` names."""

HOPS = 3
"""Redirects that are followed, inside Slack."""

SIGN_IN = "Slack asks for a sign-in: the scope files:read is missing."

log = structlog.get_logger(__name__)


def described(files: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Slack's file objects as attachments; those that were deleted or are hidden are left out.

    https://docs.slack.dev/reference/objects/file-object
    """
    return [
        {
            "name": well_formed(str(file.get("name") or file.get("title") or file["id"])),
            "mime": well_formed(file.get("mimetype") or ""),
            "size": file.get("size") or 0,
            "id": file["id"],
            "url": well_formed(file.get("url_private_download") or file.get("url_private") or ""),
        }
        for file in files
        if file.get("mode") not in ("tombstone", "hidden_by_limit")
    ]


def is_hidden(file: Mapping[str, Any]) -> bool:
    """Whether Slack tells of a file only when asked, as in channels that are shared with other organisations.

    https://docs.slack.dev/reference/events/message/file_share
    """
    return file.get("file_access") == "check_file_info"


async def shown(calls: Calls, found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The files with all that Slack tells of them when asked; one that it tells nothing of stays as it is."""

    async def asked(file: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return await _info(calls, str(file["id"])) if is_hidden(file) else file
        except SlackError as error:
            log.info("file not known yet", error=error.error)
            return file

    return list(await asyncio.gather(*map(asked, found)))


async def _info(calls: Calls, file: str) -> Mapping[str, Any]:
    """https://docs.slack.dev/reference/methods/files.info. Raises `SlackError`."""
    answer: Mapping[str, Any] = await calls.call("files.info", {"file": file}, rank=Rank.LOOKUP, sure=True)
    found: Mapping[str, Any] = answer["file"]
    return found


class Files:
    def __init__(self, calls: Calls, session: aiohttp.ClientSession, token: str, api_url: str) -> None:
        self._calls = calls
        self._session = session
        self._token = token
        self._api_url = api_url

    async def download(self, attachment: Mapping[str, Any], limit: int) -> bytes:
        """At most `limit` bytes. Raises `PlatformError`."""
        if not attachment.get("url"):
            known = described([await _info(self._calls, str(attachment["id"]))])
            attachment = known[0] if known else attachment
        url = str(attachment.get("url") or "")
        for _ in range(HOPS + 1):
            if not is_slacks(url, self._api_url):
                raise PlatformError("The file is kept outside of Slack.", permanent=True)
            try:
                async with self._session.get(url, headers=self._headers, allow_redirects=False, timeout=TIMEOUT) as got:
                    if got.status in (301, 302, 303, 307, 308):
                        url = _joined(url, got.headers.get("Location", ""))
                        continue
                    data = await body(got, limit, "Slack")
                    if got.content_type == "text/html" and not _is_page(attachment, len(data)):
                        raise PlatformError(SIGN_IN, permanent=True)
                    return data
            except (aiohttp.ClientError, TimeoutError) as error:
                raise PlatformError("Slack did not send the file.") from error
        raise PlatformError("The file's address leads nowhere.", permanent=True)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}


def is_slacks(url: str, api_url: str) -> bool:
    """Whether an address is Slack's own, or of the server that stands in for it: the token goes there only."""
    return is_at(url, api_url, ADDRESS)


def _joined(url: str, location: str) -> str:
    """Where a redirect leads; nowhere where that is no address."""
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def _is_page(attachment: Mapping[str, Any], length: int) -> bool:
    """Whether this is the web page that somebody uploaded, and not Slack's own to sign in."""
    return "html" in str(attachment.get("mime")) and attachment.get("size") in (0, None, length)
