"""A bare loop to compare Parley with: discord.py with a command tree, answers that are edited once a second.

What threads said is kept in memory. Nothing is stored, nothing is shown but the answer, nothing is tried again.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import discord
import httpx2
import openai
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.benchmarks.bare import Loop
from tests.benchmarks.child import obey

PAUSE = 1.0
"""Seconds between two edits."""


class Bot(discord.Client):
    def __init__(self, loop: Loop) -> None:
        intents = discord.Intents.default()
        intents.message_content = True
        super().__init__(intents=intents)
        self.tree = app_commands.CommandTree(self)
        self.answers = loop
        self.said: defaultdict[int, list[Any]] = defaultdict(list)

    async def setup_hook(self) -> None:
        @self.tree.command(description="Ask me")
        async def ask(interaction: discord.Interaction, prompt: str) -> None:
            await interaction.response.defer()
            await self.stream([], prompt, lambda text: interaction.edit_original_response(content=text))

        await self.tree.sync()

    async def on_message(self, message: discord.Message) -> None:
        place = message.channel
        mine = isinstance(place, discord.Thread) and place.owner == self.user
        if message.author.bot or not (mine or self.user in message.mentions):
            return
        if not isinstance(place, discord.Thread):
            place = await message.create_thread(name=message.clean_content[:100])
        shown: discord.Message | None = None

        async def show(text: str) -> None:
            nonlocal shown
            shown = await shown.edit(content=text) if shown else await place.send(text)

        async with place.typing():
            await self.stream(self.said[place.id], message.content, show)

    async def stream(self, said: list[Any], question: str, show: Callable[[str], Awaitable[object]]) -> None:
        said.append({"role": "user", "content": question})
        text, told, at = "", "", 0.0
        async for delta in self.answers.deltas(said):
            text += delta
            if time.monotonic() - at >= PAUSE:
                await show(told := text)
                at = time.monotonic()
        if text != told:
            await show(text)
        said.append({"role": "assistant", "content": text})


async def main() -> None:
    Route.BASE = os.environ["DISCORD_API_URL"]
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["DISCORD_GATEWAY_URL"])
    async with openai.AsyncOpenAI() as model, httpx2.AsyncClient(timeout=None) as http, Bot(Loop(model, http)) as bot:
        await bot.login(os.environ["DISCORD_TOKEN"])
        connection = asyncio.create_task(bot.connect(), name="discord.py")
        await bot.wait_until_ready()
        await obey(lambda _: asyncio.sleep(0))
        await bot.close()
        await connection


if __name__ == "__main__":
    asyncio.run(main())
