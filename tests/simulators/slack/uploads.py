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
from tests.simulators.slack.posts import Channel, File, Post
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
        self.expected: set[str] = set()
        """Files that are not finished: nobody is told of them."""
        self.received: set[str] = set()
        """Those of them whose bytes are there."""
        self.tells = False
        """Slack tells of files that are not finished."""
        self.lags = False
        """Slack shares files later than it says so, once `catch_up` is called:
        https://github.com/slackapi/bolt-js/issues/2115"""
        self._late: list[Post] = []

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
        self.expected.add(file.id)
        return f"{self._workspace.base}/upload/{ticket}", file

    async def receive(self, request: web.Request) -> web.Response:
        file, length = self._tickets.pop(request.match_info["ticket"], (None, 0))
        if file is None:
            raise web.HTTPNotFound
        fault = self._workspace.faults.take("upload")
        content = await request.read()
        if fault and fault.gate and not fault.after:
            await fault.gate.wait()
        if (fault and not (fault.gate or fault.after)) or len(content) != length:
            raise web.HTTPInternalServerError
        file.content = content
        self.received.add(file.id)
        self._workspace.changed()
        if fault and fault.after and not fault.gate:
            raise web.HTTPInternalServerError
        if fault and fault.after and fault.gate:
            await fault.gate.wait()
        return web.Response(text=f"OK - {len(file.content)}")

    def forget(self) -> None:
        """Throw away what was not finished, as Slack does after a while."""
        for id_ in self.expected:
            del self._workspace.files[id_]
        self.expected, self.received = set(), set()

    def finish(self, files: list[File], posts: list[Post]) -> None:
        """Files are finished, which is done once, and shared by these messages, perhaps later."""
        done = {file.id for file in files}
        self.expected -= done
        self.received -= done
        self._late += posts
        if not self.lags:
            self.catch_up()

    def catch_up(self) -> None:
        for post in self._late:
            publish(self._workspace, post)
            for file in post.files:
                file.shares.append(post)
        self._late.clear()

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
    """https://docs.slack.dev/reference/methods/files.info. `shares` tells where the file is to be seen:
    https://docs.slack.dev/reference/objects/file-object. Whether it tells of a file that is not finished is documented
    nowhere.
    """
    file = workspace.files.get(arguments["file"])
    if file is None or (file.id in workspace.uploads.expected and not workspace.uploads.tells):
        raise Refusal("file_not_found")
    return {"file": events.whole_file(workspace, file) | {"shares": _shares(file)}, "comments": []}


def _shares(file: File) -> JSON:
    found: JSON = {}
    for post in file.shares:
        kind = "public" if post.channel.kind == "channel" else "private"
        about = {"ts": post.ts} | ({"thread_ts": post.thread_ts} if post.thread_ts else {})
        found.setdefault(kind, {}).setdefault(post.channel.id, []).append(about)
    return found


def upload_url(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/files.getUploadURLExternal"""
    length = int(arguments["length"])
    if length < 1:
        raise Refusal("invalid_arguments", "length must be at least 1")
    url, file = workspace.uploads.expect(arguments["filename"], length)
    return {"upload_url": url, "file_id": file.id}


def complete(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/files.completeUploadExternal: once, and when the bytes are there. With a
    `thread_ts` it takes one channel.

    Which error Slack gives otherwise is documented nowhere.
    """
    files = [workspace.files.get(one["id"]) for one in arguments["files"]]
    found = [file for file in files if file]
    if len(found) < len(files) or not workspace.uploads.received.issuperset(file.id for file in found):
        raise Refusal("file_not_found")
    given = [arguments.get("channel_id") or "", *(arguments.get("channels") or "").split(",")]
    channels = [rules.writable(workspace, id_) for id_ in given if id_]
    if arguments.get("thread_ts") and len(channels) > 1:
        raise Refusal("invalid_arguments", "thread_ts goes with one channel")
    posts = [_shared(workspace, channel, found, arguments) for channel in channels]
    workspace.uploads.finish(found, posts)
    return {"files": [{"id": file.id, "title": file.name} for file in found]}


def _shared(workspace: Workspace, channel: Channel, files: list[File], arguments: JSON) -> Post:
    """The message that shows files. It has no metadata, and no blocks."""
    thread_ts, text = rules.root(channel, arguments.get("thread_ts")), arguments.get("initial_comment") or ""
    return Post(channel, workspace.next_ts(), workspace.bot_user, text, thread_ts, workspace.bot_id, files=files)


METHODS = {
    "files.info": Method(info, TIER_4, ("files:read",)),
    "files.getUploadURLExternal": Method(upload_url, TIER_4, ("files:write",)),
    "files.completeUploadExternal": Method(complete, TIER_4, ("files:write",)),
}
