"""Looks at settings, database, model endpoint and tokens: what is right, what is missing and how to get it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

from bot.assistants.types import Usage
from bot.errors import StoreError
from bot.settings import DISCORD_TOKENS, OPENAI_KEYS, SLACK_APPS, Settings

CHECK_TIMEOUT = 15.0
"""Seconds for the model endpoint to answer."""

Say = Callable[[str], None]
Check = Callable[[Say], Awaitable[bool]]
"""Looks at one more thing, in the same way as `examine`."""


async def examine(settings: Settings, say: Say, platforms: Sequence[Check] = ()) -> bool:
    """Say a line for each thing looked at; True where nothing is wrong. Nothing is changed, no model call is paid.

    `platforms` ask those whose credentials are set whether these are right.
    """
    say("✓ The settings are well-formed.")
    results = [await asyncio.to_thread(_database, settings.database, say), await _model(settings, say)]
    results += [await check(say) for check in platforms]
    say(await asyncio.to_thread(_programs, settings))
    for line in _unset(settings):
        say(line)
    return all(results)


def _database(path: Path, say: Say) -> bool:
    from bot.store.opening import inspect

    try:
        say(f"✓ {inspect(path)}")
    except StoreError as error:
        say(f"✗ {error}")
        return False
    return True


async def _model(settings: Settings, say: Say) -> bool:
    from bot.app import endpoint
    from bot.models.connect import connect
    from bot.models.port import ModelError

    if settings.is_demo:
        say(f"· No model endpoint is set, so the demo model answers. Set OPENAI_API_KEY ({OPENAI_KEYS}),")
        say("  or OPENAI_BASE_URL for a compatible server (with OPENAI_API=chat where it knows Chat Completions only).")
        return True
    model = connect(endpoint(settings))
    try:
        async with asyncio.timeout(CHECK_TIMEOUT):
            say(f"✓ {await model.check(settings.model)}")
        return True
    except TimeoutError:
        say(f"✗ The model endpoint did not answer within {CHECK_TIMEOUT:g} seconds. Check OPENAI_BASE_URL.")
    except ModelError as error:
        say(f"✗ {error.sentence}" + (f" ({error.detail})" if error.detail else ""))
    finally:
        await model.close()
    return False


def _unset(settings: Settings) -> Iterator[str]:
    if settings.prices and not settings.is_demo and settings.price_list().cost(settings.model, Usage()) is None:
        yield f"· PRICES has no price for {settings.model}: what it answers is counted in tokens only."
    if not settings.has_slack:
        yield f"· Slack is not set up: SLACK_BOT_TOKEN with SLACK_APP_TOKEN or SLACK_SIGNING_SECRET ({SLACK_APPS})."
    if not settings.has_discord:
        yield f"· Discord is not set up: DISCORD_TOKEN ({DISCORD_TOKENS})."
    if not settings.admins:
        yield "· ADMINS is empty: besides those whom a platform calls admins nobody may switch tools."
        yield "  Add ids, such as slack:U… and discord:1234…."


def _programs(settings: Settings) -> str:
    from bot.api.keys import holders

    if tenants := holders(settings):
        return f"✓ The HTTP API is served, on PORT {settings.port}: keys open {', '.join(map(str, tenants))}."
    return "· The HTTP API is not served: set API_KEY, or make a key with `parley api key create NAME`."
