"""Puts the commands together, for a running Parley and for the operator's shell alike."""

from __future__ import annotations

from bot.clock import Clock
from bot.commands.assistants import AssistantCommands
from bot.commands.audit import AuditCommand
from bot.commands.budget import BudgetCommands
from bot.commands.catalogue import Commands, Group
from bot.commands.conversation import ConversationCommands
from bot.commands.files import FilesCommands, Shelver
from bot.commands.keeping import KeepingCommands
from bot.commands.rights import Rights
from bot.commands.threads import ThreadCommands
from bot.commands.tools import ToolCommands
from bot.commands.usage import UsageCommand
from bot.commands.why import WhyCommand
from bot.library import Library
from bot.settings import Settings
from bot.stopping import Stopping
from bot.store.database import Database
from tools.registry import Registry


def build(
    settings: Settings,
    database: Database,
    rights: Rights,
    stopping: Stopping,
    registry: Registry,
    clock: Clock,
    library: Library,
    shelver: Shelver | None,
) -> Commands:
    """All commands. `registry` has all of Parley's own tools; `shelver` reads the files that are added."""
    prices = settings.price_list()
    groups: list[Group] = [
        ToolCommands(database, rights, registry, settings.approvers),
        AssistantCommands(database, rights, registry.names, clock),
        FilesCommands(database, rights, library, shelver),
        ConversationCommands(database, stopping, clock),
        ThreadCommands(database, rights),
        WhyCommand(database, prices),
        UsageCommand(database, rights, prices, clock),
        BudgetCommands(database, rights, prices, clock),
        KeepingCommands(database, rights, clock),
        AuditCommand(database, rights),
    ]
    return Commands(rights, groups)
