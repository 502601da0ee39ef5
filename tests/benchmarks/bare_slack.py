"""A bare loop to compare Parley with: Bolt over Socket Mode, the SDK's stream, the same tools with the same requests.

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

from bot.clock import SystemClock
from bot.toolbox import CallContext
from tests.benchmarks.child import obey
from tests.benchmarks.conversation import MODEL
from tools.registry import Registry
from tools.weather import get_current_temperature, get_rain_probability

registry = Registry([get_current_temperature, get_rain_probability])
TOOLS: Any = [
    {
        "type": "function",
        "name": one.name,
        "description": one.description,
        "parameters": one.parameters,
        "strict": False,
    }
    for one in registry.values()
]


async def main() -> None:
    client = AsyncWebClient(os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"])
    app = AsyncApp(token=client.token, client=client)
    async with openai.AsyncOpenAI() as model, httpx2.AsyncClient(timeout=None) as http:

        async def call(one: Any) -> Any:
            context = CallContext(one.call_id, http, SystemClock(), lambda name: os.environ.get(name, ""))
            result = await registry.execute(one.name, one.arguments, context, enabled=registry)
            return {"type": "function_call_output", "call_id": one.call_id, "output": result.output}

        @app.event("app_mention")
        async def mentioned(event: dict[str, Any], client: AsyncWebClient) -> None:
            who = {"recipient_user_id": event["user"], "recipient_team_id": event["team"]}
            stream = await client.chat_stream(channel=event["channel"], thread_ts=event["ts"], **who)
            said: list[Any] = [{"role": "user", "content": event["text"]}]
            calls: list[Any] = [None]
            while calls:
                calls = []
                async for heard in await model.responses.create(model=MODEL, input=said, tools=TOOLS, stream=True):
                    if heard.type == "response.output_text.delta":
                        await stream.append(markdown_text=heard.delta)
                    elif heard.type == "response.output_item.done" and heard.item.type == "function_call":
                        calls.append(heard.item)
                said += [one.model_dump(exclude_none=True) for one in calls]
                said += await asyncio.gather(*map(call, calls))
            await stream.stop()

        socket = AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"])
        await socket.connect_async()  # type: ignore[no-untyped-call]
        await obey(lambda _: asyncio.sleep(0))
        await socket.close_async()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    asyncio.run(main())
