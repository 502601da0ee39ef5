"""`python -m tests.simulators.slack [--port N]`: try the app by hand. What you type is said by Alice in #general.

dm …          Alice writes to the app directly      bob …          Bob mentions it in #general
in-thread …   Alice answers in the last thread      plain …        Alice says it without a mention
/parley …     the slash command                     press LABEL    press a button or choose from a menu of the app
stop          Slack's Stop in the last thread       fill TEXT      write that into the last form and send it
home          open the Home tab                     drop           break the app's connections
threads       everything there is
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

from tests.simulators.slack import Channel, Post, Workspace, blocks, slack, transcript
from tests.simulators.slack.views import OpenView


class Console:
    """Two people in front of one terminal, and what the app shows them."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.alice, self.bob = workspace.person("Alice", admin=True), workspace.person("Bob")
        self.general: Channel = workspace.channel("general")
        self.last: Post | None = None
        self._seen: dict[str, str] = {}

    async def does(self, line: str) -> None:
        """One typed line. Raises `LookupError` for what cannot be done, `TimeoutError` where the app is silent."""
        word, _, rest = line.partition(" ")
        mention = self.workspace.mention
        match word:
            case "dm":
                self.last = await self.alice.says(rest, self.workspace.dm(self.alice))
            case "bob":
                self.last = await self.bob.says(f"{mention} {rest}", self.general)
            case "plain":
                self.last = await self.alice.says(rest, self.general)
            case "in-thread" if self.last:
                await self.alice.says(rest, self.last.channel, thread=self.last)
            case "stop" if self.last:
                await self.alice.stops(self.last.channel, self.last)
            case "press":
                await self._presses(rest)
            case "fill":
                await self._fills(rest)
            case "home":
                await self.alice.opens_home()
            case "drop":
                self.workspace.drop()
            case "threads":
                self.print(self.workspace.dump())
            case _ if word.startswith("/"):
                await self.alice.command(word, rest, self.general)
            case _:
                self.last = await self.alice.says(f"{mention} {line}", self.general)

    async def watch(self) -> None:
        """Print what the app shows whenever it changes, for ever."""
        while True:
            await self.workspace.until(self._news, seconds=10**9)
            for key, text in self._news().items():
                before = self._seen.get(key, "")
                self._seen[key] = text
                self.print(f"    …{text[len(before) :]}" if before and text.startswith(before) else f"    {text}")

    def print(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def _news(self) -> dict[str, str]:
        """What is shown now and was not, by the thing that shows it."""
        workspace, shown = self.workspace, dict[str, str]()
        for channel in workspace.channels.values():
            for post in workspace.posts(channel):
                if post.bot:
                    shown[post.ts] = transcript.line(workspace, post)
                if status := workspace.status(channel, post.ts):
                    shown[f"status {post.ts}"] = f"({status})"
        shown |= {f"only {number}": f"(only one) {one.text}" for number, one in enumerate(workspace.ephemerals)}
        shown |= {view.hash: f"[view]\n{view.text}" for view in [*workspace.views, *workspace.homes.values()]}
        return {key: text for key, text in shown.items() if self._seen.get(key) != text}

    async def _presses(self, label: str) -> None:
        """The newest thing that shows the label; on the Home tab, too."""
        posts = [post for channel in self.workspace.channels.values() for post in self.workspace.posts(channel)]
        places: list[Post | OpenView] = [*self.workspace.ephemeral_posts, *posts[::-1], *self.workspace.homes.values()]
        for place in places:
            with contextlib.suppress(LookupError):
                await self.alice.picks(place, label)
                return
        raise LookupError(f"nothing shows {label}")

    async def _fills(self, text: str) -> None:
        form = next((view for view in self.workspace.views[::-1] if view.open), None)
        if form is None:
            raise LookupError("no form is open")
        fields = [(block["block_id"], part["action_id"]) for block, part in blocks.elements(form.view["blocks"])]
        await self.alice.submits(form, {"/".join(fields[0]): text})


async def _run(port: int) -> None:
    async with slack(port=port) as workspace:
        console = Console(workspace)
        console.print(f"SLACK_API_URL={workspace.api_url}\nSLACK_BOT_TOKEN={workspace.bot_token}")
        console.print(f"SLACK_APP_TOKEN={workspace.app_token}\n{__doc__}")
        watching = asyncio.create_task(console.watch(), name="slack console")
        try:
            while line := await asyncio.to_thread(sys.stdin.readline):
                try:
                    await console.does(line.strip())
                except (LookupError, TimeoutError) as failed:
                    console.print(f"    !! {failed}")
        finally:
            watching.cancel()
            await asyncio.wait([watching])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulators.slack", description="A Slack to try things in.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; any free one by default")
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(given.port))


if __name__ == "__main__":
    main()
