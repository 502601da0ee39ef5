"""All targets, in the order in which they are tried."""

from __future__ import annotations

from tests.fuzz.arguments import ARGUMENTS
from tests.fuzz.discord import GATEWAY
from tests.fuzz.slack import HTTP, SOCKET
from tests.fuzz.streams import CHAT, RESPONSES

TARGETS = (SOCKET, HTTP, GATEWAY, RESPONSES, CHAT, ARGUMENTS)
