"""Files: files.info, uploads in two steps, and downloads at `url_private`.

https://docs.slack.dev/messaging/working-with-files. Without the bot's token a download is answered with a page to
sign in, and status 200.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from tests.simulators.slack import events, rules
from tests.simulators.slack.chat import publish
from tests.simulators.slack.limits import TIER_4
from tests.simulators.slack.method import Method
from tests.simulators.slack.posts import File, Post
from tests.simulators.slack.values import JSON, Refusal

if TYPE_CHECKING:
    from tests.simulators.slack.workspace import Workspace

SIGN_IN = "<!DOCTYPE html><html><head><title>Sign in to Acme | Slack</title></head><body>Sign in</body></html>"


class Uploads:
    """The workspace's files, and the addresses that wait for the bytes of new ones. `fails("upload")` and
    `holds("upload")` are about those bytes."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._tickets: dict[str, tuple[File, int]] = {}
        self.received: set[str] = set()
        """Files whose bytes are there, and that nobody sees yet."""

    def keep(self, name: str, content: bytes, mimetype: str) -> File:
        workspace = self._workspace
        id_ = workspace.next_id("F")
        url = f"{workspace.base}/files-pri/{workspace.team_id}-{id_}/{name}"
        file = File(id_, name, content, mimetype, url, created=int(workspace.now()))
        workspace.files[id_] = file
        return file

    def expect(self, name: str, length: int) -> tuple[str, File]:
        """The address for the bytes of a new file of the bot's; so many, and once."""
        file = self.keep(name, b"", "application/octet-stream")
        file.user = self._workspace.bot_user
        ticket = self._workspace.next_id("upload-")
        self._tickets[ticket] = file, length
        return f"{self._workspace.base}/upload/{ticket}", file

    async def receive(self, request: web.Request) -> web.Response:
        file, length = self._tickets.pop(request.match_info["ticket"], (None, 0))
        if file is None:
            raise web.HTTPNotFound
        fault = self._workspace.faults.take("upload")
        content = await request.read()
        if fault and fault.gate:
            await fault.gate.wait()
        elif fault or len(content) != length:
            raise web.HTTPInternalServerError
        file.content = content
        self.received.add(file.id)
        return web.Response(text=f"OK - {len(file.content)}")

    async def download(self, request: web.Request) -> web.Response:
        file = self._workspace.files.get(request.match_info["id"].partition("-")[2])
        if file is None:
            raise web.HTTPNotFound
        if file.redirect:
            raise web.HTTPFound(file.redirect)
        tokens = self._workspace.tokens
        sound = request.headers.get("Authorization") == f"Bearer {tokens.bot}" and not tokens.revoked
        if not sound or "files:read" not in tokens.scopes:
            return web.Response(text=SIGN_IN, content_type="text/html")
        return web.Response(body=file.content, content_type=file.mimetype)


def info(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/files.info"""
    file = workspace.files.get(arguments["file"])
    if file is None:
        raise Refusal("file_not_found")
    return {"file": events.whole_file(workspace, file), "comments": []}


def upload_url(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/files.getUploadURLExternal"""
    length = int(arguments["length"])
    if length < 1:
        raise Refusal("invalid_arguments", "length must be at least 1")
    url, file = workspace.uploads.expect(arguments["filename"], length)
    return {"upload_url": url, "file_id": file.id}


def complete(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/files.completeUploadExternal: once, and when the bytes are there.

    Which error Slack gives otherwise is documented nowhere.
    """
    files = [workspace.files.get(one["id"]) for one in arguments["files"]]
    found = [file for file in files if file]
    if len(found) < len(files) or not workspace.uploads.received.issuperset(file.id for file in found):
        raise Refusal("file_not_found")
    for id_ in (arguments.get("channel_id") or arguments.get("channels") or "").split(","):
        if id_:
            channel = rules.writable(workspace, id_)
            thread_ts = rules.root(channel, arguments.get("thread_ts"))
            text = arguments.get("initial_comment") or ""
            post = Post(
                channel, workspace.next_ts(), workspace.bot_user, text, thread_ts, workspace.bot_id, files=found
            )
            publish(workspace, post)
    workspace.uploads.received.difference_update(file.id for file in found)
    return {"files": [{"id": file.id, "title": file.name} for file in found]}


METHODS = {
    "files.info": Method(info, TIER_4, ("files:read",)),
    "files.getUploadURLExternal": Method(upload_url, TIER_4, ("files:write",)),
    "files.completeUploadExternal": Method(complete, TIER_4, ("files:write",)),
}
