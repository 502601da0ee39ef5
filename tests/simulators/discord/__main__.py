"""`python -m tests.simulators.discord [--port N]`: try the app by hand. What you type is said by Alice in #general.

dm …          Alice writes to the app directly      bob …          Bob mentions it in #general
in-thread …   Alice answers in the last thread      plain …        Alice says it without a mention
/ask A=B …    a slash command with its options      press LABEL    press a button or choose from a menu of the app
menu NAME     the context menu on the last question fill TEXT      write that into the last form and send it
edit …        Alice changes her last question       drop           break the app's connection
threads       everything there is
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shlex
import sys
from typing import Any

from tests.simulators.discord import Channel, Interaction, Message, World, discord, transcript


class Console:
    """Two people in front of one terminal, and what the app shows them."""

    def __init__(self, world: World) -> None:
        self.world = world
        guild = world.guild("Acme")
        self.alice, self.bob = guild.person("Alice", admin=True), guild.person("Bob")
        self.general: Channel = guild.channel("general")
        self.last: Message | None = None
        self._form: Interaction | None = None
        self._seen: dict[str, str] = {}

    async def does(self, line: str) -> None:
        """One typed line. Raises `LookupError` for what cannot be done, `TimeoutError` where the app is silent."""
        word, _, rest = line.partition(" ")
        mention = self.world.mention
        match word:
            case "dm":
                self.last = await self.alice.says(rest, self.world.dm(self.alice))
            case "bob":
                self.last = await self.bob.says(f"{mention} {rest}", self.general)
            case "plain":
                self.last = await self.alice.says(rest, self.general)
            case "in-thread":
                await self.alice.says(rest, self._thread())
            case "edit" if self.last:
                await self.last.author.edits(self.last, rest)
            case "menu" if self.last:
                await self.alice.menu(rest, self.last)
            case "press":
                await self._presses(rest)
            case "fill":
                await self._fills(rest)
            case "drop":
                self.world.drop()
            case "threads":
                self.print(self.world.dump())
            case _ if word.startswith("/"):
                await self._uses(line)
            case _:
                self.last = await self.alice.says(f"{mention} {line}", self.general)

    async def watch(self) -> None:
        """Print what the app shows whenever it changes, for ever."""
        while True:
            await self.world.until(self._news, seconds=10**9)
            for key, text in self._news().items():
                before = self._seen.get(key, "")
                self._seen[key] = text
                self.print(f"    …{text[len(before) :]}" if before and text.startswith(before) else f"    {text}")

    def print(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def _news(self) -> dict[str, str]:
        """What is shown now and was not, by the thing that shows it."""
        world = self.world
        posts = [one for channel in world.channels.values() for one in channel.messages if one.author is world.me]
        shown = {one.id: transcript.line(one) for one in [*posts, *world.ephemerals]}
        shown |= {f"typing {one.id}": f"({one.name}: typing)" for one in world.channels.values() if one.typing}
        shown |= {f"error {one.id}": f"!! {one.error}" for one in world.interactions.made if one.error}
        return {key: text for key, text in shown.items() if self._seen.get(key) != text}

    async def _uses(self, line: str) -> None:
        """`/tools enable tool=clock`: words before the first `=` are the command."""
        words = shlex.split(line)
        given: dict[str, Any] = dict(word.split("=", 1) for word in words if "=" in word)
        for name, value in given.items():
            number = int(value) if value.isdigit() and name != "prompt" else value
            given[name] = {"true": True, "false": False}.get(value, number)
        command = " ".join(word for word in words if "=" not in word)
        asked = await self.alice.uses(command, self.general, **given)
        self.print(f"    {asked.error or f'acknowledged after {asked.acknowledged_after:.3f} s'}")

    async def _presses(self, label: str) -> None:
        """The newest message that shows the label."""
        everywhere = [one for channel in self.world.channels.values() for one in channel.messages]
        for message in [*self.world.ephemerals, *everywhere][::-1]:
            for press in (self.alice.presses, self.alice.chooses):
                with contextlib.suppress(LookupError):
                    used = await press(message, label)
                    self._form = used if used.modal else self._form
                    return
        raise LookupError(f"nothing shows {label}")

    async def _fills(self, text: str) -> None:
        if self._form is None or self._form.modal is None:
            raise LookupError("no form is open")
        inside = [label.get("component") or {} for label in self._form.modal["components"]]
        (field,) = [part["custom_id"] for part in inside if "custom_id" in part]
        await self.alice.submits(self._form, {field: text})

    def _thread(self) -> Channel:
        threads = self.world.threads(self.general)
        if not threads:
            raise LookupError("no thread yet")
        return threads[-1]


async def _run(port: int) -> None:
    async with discord(port=port) as world:
        console = Console(world)
        console.print(f"DISCORD_API_URL={world.api_url}\nDISCORD_TOKEN={world.token}\n{__doc__}")
        watching = asyncio.create_task(console.watch(), name="discord console")
        try:
            while line := await asyncio.to_thread(sys.stdin.readline):
                try:
                    await console.does(line.strip())
                except (LookupError, TimeoutError, ValueError) as failed:
                    console.print(f"    !! {failed}")
        finally:
            watching.cancel()
            await asyncio.wait([watching])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulators.discord", description="A Discord to try things in."
    )
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; any free one by default")
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(given.port))


if __name__ == "__main__":
    main()
