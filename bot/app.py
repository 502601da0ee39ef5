"""The composition root: builds everything, starts it in order, stops it in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2

from bot import access
from bot.api.indexing import Indexing
from bot.assistants.engine import Engine
from bot.budgets import Budgets
from bot.certificates import certificates
from bot.clock import Clock, SystemClock
from bot.commands import Commands
from bot.commands.build import build
from bot.commands.rights import Rights
from bot.commands.usage import UsageCommand
from bot.commands.why import WhyCommand
from bot.corrections import Corrections
from bot.errors import Refused
from bot.flood import Flood
from bot.handler import Handler
from bot.housekeeping import Housekeeping
from bot.inbox import Inbox
from bot.library import Library
from bot.models.connect import Endpoint, connect, connect_embedder
from bot.models.port import Model
from bot.overview import Overviews
from bot.ownership import Ownership
from bot.ports import (
    Accepted,
    Adapter,
    Answer,
    CommandRequest,
    Conversation,
    Form,
    InboundMessage,
    Named,
    Overview,
    Press,
)
from bot.preparing import Preparation
from bot.presses import Presses
from bot.relay import Relay
from bot.replies import Replies
from bot.searching import Searching
from bot.settings import Settings
from bot.settlement import Settlement
from bot.shelving import Shelving
from bot.stopping import Stopping
from bot.store import assistants, inbox
from bot.store.database import Database
from bot.store.journal import StoreJournal
from bot.sweep import Sweep
from bot.toolbox import RegistryToolbox
from tools import registry as tool_registry
from tools.registry import Registry
from tools.sandbox import Sandbox

if TYPE_CHECKING:
    from bot.models.embeddings import Embedder


@dataclass(frozen=True, slots=True)
class Core:
    """The running core: what adapters see of it (`bot.ports.Intake`), and its parts."""

    database: Database
    engine: Engine
    handler: Handler
    sweep: Sweep
    corrections: Corrections
    commands: Commands
    presses: Presses
    overviews: Overviews
    shelving: Shelving
    relay: Relay
    library: Library
    indexing: Indexing
    clock: Clock
    tools: Mapping[str, bool]
    """Parley's own tools, and whether the code wants each call to be approved."""
    assistant_id: str
    allow: Collection[str] = ()
    deny: Collection[str] = ()

    async def accept(self, message: InboundMessage) -> Accepted | None:
        if refusal := self._refusal(message):
            if message.follow_up:
                return None
            raise Refused(refusal)
        return await self.handler.accept(message)

    async def amend(self, conversation: Conversation, key: str, text: str) -> None:
        await self.corrections.amend(conversation, key, text)

    async def withdraw(self, conversation: Conversation, key: str) -> None:
        await self.corrections.withdraw(conversation, key)

    async def command(self, request: CommandRequest) -> Answer:
        if refusal := self._refusal(request):
            return Answer(refusal)
        return await self.commands.run(request)

    async def press(self, press: Press) -> str | Form:
        return self._refusal(press) or await self.presses.press(press)

    async def names(self, where: Conversation, of: Named) -> Sequence[str]:
        return await self.overviews.names(where, of)

    async def overview(self, request: CommandRequest) -> Overview:
        if refusal := self._refusal(request):
            return Overview(refusal, (), "", refused=True)
        return await self.overviews.of(request)

    async def heard_lately(self, platform: str) -> Sequence[tuple[Conversation, str]]:
        return await self.database.read(lambda c: inbox.heard_lately(c, platform))

    async def quiet(self) -> None:
        await self.handler.quiet()

    def _refusal(self, asked: InboundMessage | CommandRequest | Press) -> str:
        return access.refusal(asked, allow=self.allow, deny=self.deny)


@asynccontextmanager
async def running(
    settings: Settings,
    adapters: Sequence[Adapter],
    *,
    api: bool = False,
    model: Model | None = None,
    registry: Registry | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Core]:
    """Parley, for as long as the block lasts. What is given here takes the place of what the settings say.

    With the `api` the runs of programs are driven, too.

    Stops in order: intake, the watch, running answers (they get a few seconds, the rest is parked), adapters,
    tools and model, the store. Raises `StoreError` where the database cannot be used.
    """
    async with AsyncExitStack() as stack:
        core = await _build(stack, settings, model, registry or tool_registry.load(), clock or SystemClock())
        for adapter in adapters:
            stack.push_async_callback(adapter.close)
        stack.push_async_callback(_finish, core)
        stack.push_async_callback(core.sweep.close)
        served = {adapter.platform: adapter for adapter in adapters}
        core.handler.serve(served, core.relay if api else None)
        core.shelving.serve(served)
        await core.sweep.start()
        begun: list[Adapter] = []
        stack.push_async_callback(_stop_intake, begun)
        for adapter in adapters:
            begun.append(adapter)
            await adapter.start(core)
        yield core


async def _finish(core: Core) -> None:
    """What runs has its few seconds side by side."""
    await asyncio.gather(core.handler.close(), core.shelving.close(), core.indexing.close())


async def _stop_intake(adapters: Sequence[Adapter]) -> None:
    """Of all at once: together they have but a few seconds."""
    await asyncio.gather(*(adapter.stop_intake() for adapter in adapters))


async def _build(
    stack: AsyncExitStack, settings: Settings, model: Model | None, registry: Registry, clock: Clock
) -> Core:
    database = await Database.open(settings.database)
    stack.push_async_callback(database.close)
    ownership = await asyncio.to_thread(Ownership, settings.database)
    stack.callback(ownership.release)
    assistant = await database.write(
        lambda tx: assistants.keep_default(
            tx,
            model="demo" if settings.is_demo and model is None else settings.model,
            instructions=settings.instructions,
            now=clock.now(),
        )
    )
    model = model or connect(endpoint(settings))
    stack.push_async_callback(model.close)
    http = await stack.enter_async_context(httpx2.AsyncClient(verify=certificates(), timeout=None))
    sandbox = Sandbox()
    stack.push_async_callback(sandbox.close)
    library = Library(database, ownership.name, clock, vectors(stack, settings))
    toolbox = RegistryToolbox(registry, http, clock, settings.text, sandbox, Searching(database, library))
    engine = Engine(StoreJournal(database, ownership.name), model, toolbox, clock, settings.ask_timeout)
    tools = {tool.name: tool.approval for tool in registry.values()}
    prices = settings.price_list()
    budgets, flood = Budgets(prices), Flood(settings.flood_limit, clock)
    accepting = Inbox(database, assistant, tools, settings.approvers, ownership, budgets, flood, clock)
    preparation = Preparation(database, ownership.name, clock, library)
    settlement = Settlement(database, ownership.name, prices, clock)
    limit = settings.max_concurrent_runs
    handler = Handler(database, engine, accepting, preparation, settlement, ownership, clock, limit=limit)
    rights = Rights(database, settings.admins, clock)
    stopping = Stopping(handler, rights)
    shelving = Shelving(library, clock)
    commands = build(settings, database, rights, stopping, registry, clock, library, shelving)
    why, usage = WhyCommand(database, prices), UsageCommand(database, rights, prices, clock)
    housekeeping = Housekeeping(database, clock, settings.retention_days)
    return Core(
        database,
        engine,
        handler,
        Sweep(database, engine, handler, ownership, library, housekeeping, clock),
        Corrections(database, handler, clock),
        commands,
        Presses(database, stopping, Replies(engine, handler, rights), why.tell, clock),
        Overviews(database, commands, rights, registry, settings.approvers, usage.lines_of),
        shelving,
        Relay(),
        library,
        Indexing(library, database),
        clock,
        tools,
        assistant.id,
        settings.allow,
        settings.deny,
    )


def vectors(stack: AsyncExitStack, settings: Settings) -> Embedder | None:
    """What makes vectors of texts, where the settings name a model for it."""
    if settings.openai_embedding_model is None or settings.is_demo:
        return None
    embedder = connect_embedder(endpoint(settings), settings.openai_embedding_model)
    stack.push_async_callback(embedder.close)
    return embedder


def endpoint(settings: Settings) -> Endpoint:
    """The model endpoint that the settings name."""
    return Endpoint(
        api=settings.openai_api,
        api_key=settings.openai_api_key,
        base_url=settings.openai_base_url,
        azure_endpoint=settings.azure_openai_endpoint,
        azure_api_key=settings.azure_openai_api_key,
        api_version=settings.openai_api_version,
    )
