"""People, and what they do in Slack: say, edit, delete, command, press, submit, stop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.simulators.slack import announce, events, interactions
from tests.simulators.slack.interactions import Answer
from tests.simulators.slack.posts import Channel, File, Post
from tests.simulators.slack.values import JSON

if TYPE_CHECKING:
    from tests.simulators.slack.views import OpenView
    from tests.simulators.slack.workspace import Workspace


@dataclass(eq=False)
class Person:
    """Somebody in the workspace. `foreign`: of another organisation, in a shared channel. `bot`: another app's."""

    workspace: Workspace
    id: str
    name: str
    team_id: str
    foreign: bool = False
    admin: bool = False
    owner: bool = False
    guest: bool = False
    bot: bool = False

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"

    async def says(
        self,
        text: str,
        channel: Channel,
        *,
        thread: str | Post | None = None,
        files: Iterable[File] = (),
        broadcast: bool = False,
    ) -> Post:
        """Post a message; its events are queued when this returns. `thread`: the root, or any message of the thread."""
        workspace = self.workspace
        if self.id not in channel.members:
            channel.members.append(self.id)
            channel.shared |= self.foreign
        root = thread.root if isinstance(thread, Post) else thread
        post = Post(channel, workspace.next_ts(), self.id, text, root, "B2" if self.bot else None, broadcast=broadcast)
        post.client_msg_id = "" if self.bot else workspace.next_id("client-")
        post.files = list(files)
        for file in post.files:
            file.user = self.id
        channel.add(post)
        announce.said(workspace, post)
        workspace.noted(post)
        return post

    async def joins(self, channel: Channel) -> None:
        """Come into a channel, of which the bot hears where it is there (`member_joined_channel`)."""
        channel.members.append(self.id)
        announce.joined(self.workspace, channel, self.id)

    async def edits(self, post: Post, text: str) -> None:
        """Change the text of an own message (`message_changed`)."""
        before = events.message(self.workspace, post, metadata=True)
        post.raw, post.edited_at = text, self.workspace.next_ts()
        announce.changed(self.workspace, post, before)
        self.workspace.noted(post)

    async def deletes(self, post: Post) -> None:
        """Take a message away (`message_deleted`); a root with answers leaves a tombstone."""
        before = events.message(self.workspace, post, metadata=True)
        post.deleted = True
        announce.removed(self.workspace, post, before)
        self.workspace.changed()

    async def command(self, command: str, text: str, channel: Channel) -> Answer:
        """Use a slash command; what the app answered until it acknowledged, and later, is in the list. Slash commands
        cannot be used in threads. Raises `TimeoutError` where the app does not acknowledge in time.
        """
        return await interactions.command(self.workspace, self, command, text, channel)

    async def shortcut(self, callback_id: str, post: Post) -> Answer:
        """Use a message shortcut."""
        return await interactions.shortcut(self.workspace, self, callback_id, post)

    async def presses(self, place: Post | OpenView, action_id: str, value: str | None = None) -> Answer:
        """Press a button of a message or a view, or choose in a menu: `value` tells which option, and which of two
        feedback buttons. Raises `LookupError` where there is no such thing to press.
        """
        return await interactions.press(self.workspace, self, place, action_id, value)

    async def picks(self, place: Post | OpenView, label: str) -> Answer:
        """Press the button with this text, or choose the option with it. Raises `LookupError` where there is none."""
        return await interactions.pick(self.workspace, self, place, label)

    async def submits(self, view: OpenView, values: Mapping[str, object] | None = None) -> JSON:
        """Submit a modal with `{"block_id/action_id": value}`; the body of the acknowledgement (`response_action`,
        `errors`), empty where it just closes. Raises `LookupError` for what Slack would not let the person send.
        """
        return await interactions.submit(self.workspace, self, view, values or {})

    async def stops(self, channel: Channel, thread: str | Post) -> None:
        """Press Slack's own Stop: running streams end, and the app is told (`agent_session_stopped`).

        Slack shows it while a session is processing, to subscribed apps: raises `LookupError` otherwise.
        """
        interactions.stop(self.workspace, self, channel, thread.root if isinstance(thread, Post) else thread)

    async def opens_home(self, tab: str = "home") -> None:
        """Open the app's page on its "home" or "messages" tab."""
        announce.home(self.workspace, self.workspace.dm(self), self.id, tab)
