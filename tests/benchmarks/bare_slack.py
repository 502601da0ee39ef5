"""A bare loop to compare Parley with: Bolt over Socket Mode.

Nothing is stored, nothing is shown but the answer, nothing is tried again.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import httpx2
import openai
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.benchmarks.bare import Loop
from tests.benchmarks.child import obey


async def main() -> None:
    client = AsyncWebClient(os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"])
    app = AsyncApp(token=client.token, client=client)
    async with openai.AsyncOpenAI() as model, httpx2.AsyncClient(timeout=None) as http:
        loop = Loop(model, http)

        @app.event("app_mention")
        async def mentioned(event: dict[str, Any], client: AsyncWebClient) -> None:
            who = {"recipient_user_id": event["user"], "recipient_team_id": event["team"]}
            stream = await client.chat_stream(channel=event["channel"], thread_ts=event["ts"], **who)
            async for delta in loop.deltas([{"role": "user", "content": event["text"]}]):
                await stream.append(markdown_text=delta)
            await stream.stop()

        socket = AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"])
        await socket.connect_async()  # type: ignore[no-untyped-call]
        await obey(lambda _: asyncio.sleep(0))
        await socket.close_async()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    asyncio.run(main())
