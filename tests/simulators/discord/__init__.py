"""Discord on loopback: guilds with people, channels and threads, for the real discord.py client.

Not built on simcord (PyPI): that one runs discord.py in process, with its HTTP client replaced and its events put into
the parsers, so that there is no gateway to drop, resume or invalidate, and no rate limit, 429, lost response or second
process (for `kill -9`) to try.
"""

from tests.simulators.discord.callbacks import CALLBACK, FOLLOWUP, ORIGINAL
from tests.simulators.discord.channel_messages import CREATE, EDIT, TYPING
from tests.simulators.discord.guild import Guild
from tests.simulators.discord.interactions import Interaction
from tests.simulators.discord.messages import Channel, File, Message
from tests.simulators.discord.people import Person
from tests.simulators.discord.permissions import Permission, Role
from tests.simulators.discord.registry import OVERWRITE, OVERWRITE_IN_GUILD
from tests.simulators.discord.server import discord
from tests.simulators.discord.sessions import Intent
from tests.simulators.discord.threads import FROM_MESSAGE
from tests.simulators.discord.values import JSON, Call, Choice, Refusal
from tests.simulators.discord.world import World

__all__ = [
    "CALLBACK",
    "CREATE",
    "EDIT",
    "FOLLOWUP",
    "FROM_MESSAGE",
    "JSON",
    "ORIGINAL",
    "OVERWRITE",
    "OVERWRITE_IN_GUILD",
    "TYPING",
    "Call",
    "Channel",
    "Choice",
    "File",
    "Guild",
    "Intent",
    "Interaction",
    "Message",
    "Permission",
    "Person",
    "Refusal",
    "Role",
    "World",
    "discord",
]
