"""What Discord may deliver: sound dispatches with whatever texts, broken ones, and such as no Discord ever sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.fuzz.breaking import Break, breaks, broken
from tests.fuzz.values import odd, texts

JSON = dict[str, Any]
Place = Literal["channel", "thread", "direct"]
Asked = Literal["command", "menu", "press", "choose", "form", "complete", "ping", "zq"]


@dataclass(frozen=True, slots=True)
class Says:
    """Somebody says something to Parley, soundly: it gets one answer, whatever it says."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Message:
    """A dispatch about a message, broken in places. It is a question, or it is about one that was answered."""

    event: Literal["MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_DELETE_BULK"]
    text: str
    place: Place
    wrong: tuple[Break, ...] = ()


@dataclass(frozen=True, slots=True)
class Used:
    """An interaction. `data` is broken in places, and so is what is around it; `part` and `value` make up a code."""

    kind: Asked
    text: str
    command: str = "help"
    part: int = 0
    value: str = ""
    inside: tuple[Break, ...] = ()
    around: tuple[Break, ...] = ()

    def code(self, real: str) -> str:
        """The code of a real button, with one part of it replaced."""
        parts = real.replace(":", "\0:\0").replace(".", "\0.\0").split("\0")
        parts[self.part % len(parts)] = self.value
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Asks:
    """The form of the message menu, as it was opened, is sent with this text; broken in places."""

    text: str
    inside: tuple[Break, ...] = ()
    around: tuple[Break, ...] = ()

    def data(self, form: JSON) -> Any:
        components = [{**part, "id": 1, "component": self._filled(part["component"])} for part in form["components"]]
        return broken({"custom_id": form["custom_id"], "components": components, "resolved": {}}, self.inside)

    def _filled(self, field: JSON) -> JSON:
        return {"type": field["type"], "id": 2, "custom_id": field["custom_id"], "value": self.text}


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A dispatch about another server, or its channels and threads: sound, broken, or about nothing at all."""

    event: str
    about: Literal["guild", "channel", "thread", "member", "nothing"]
    value: Any
    wrong: tuple[Break, ...] = ()


Case = Says | Message | Used | Asks | Elsewhere

EVENTS = (
    *("CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE", "CHANNEL_PINS_UPDATE", "THREAD_CREATE", "THREAD_UPDATE"),
    *("THREAD_DELETE", "THREAD_LIST_SYNC", "THREAD_MEMBER_UPDATE", "THREAD_MEMBERS_UPDATE", "GUILD_CREATE"),
    *("GUILD_UPDATE", "GUILD_DELETE", "GUILD_ROLE_CREATE", "GUILD_ROLE_UPDATE", "GUILD_ROLE_DELETE"),
    *("GUILD_MEMBER_ADD", "GUILD_MEMBER_REMOVE", "GUILD_MEMBER_UPDATE", "GUILD_BAN_ADD", "GUILD_EMOJIS_UPDATE"),
    *("GUILD_MEMBERS_CHUNK", "GUILD_AUDIT_LOG_ENTRY_CREATE", "GUILD_INTEGRATIONS_UPDATE", "INTEGRATION_CREATE"),
    *("INVITE_CREATE", "MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE", "MESSAGE_POLL_VOTE_ADD", "PRESENCE_UPDATE"),
    *(
        "TYPING_START",
        "USER_UPDATE",
        "VOICE_STATE_UPDATE",
        "VOICE_SERVER_UPDATE",
        "WEBHOOKS_UPDATE",
        "ENTITLEMENT_CREATE",
    ),
    *("AUTO_MODERATION_RULE_CREATE", "STAGE_INSTANCE_CREATE", "SUBSCRIPTION_CREATE", "APPLICATION_COMMAND_PERMISSIONS"),
    *("SOUNDBOARD_SOUNDS", "RATE_LIMITED", "ZQ", "", "__init__", "messages"),
)
COMMANDS = (
    "help",
    "tools list",
    "usage",
    "ask",
    "stop",
    "new",
    "assistant show",
    "budget show",
    "zq",
    "",
    "ask ask ask",
)
VALUES = (
    "",
    "0",
    "1",
    "2",
    "99",
    "-1",
    "1e9",
    "x",
    "²",
    "٣",
    "answer",
    "write",
    "approve",
    "stop",
    "from:f:f:",
    "menu:",
)


def cases() -> SearchStrategy[Case]:
    wrong = breaks().map(tuple)
    places = st.sampled_from(["channel", "thread", "direct"])
    said = st.builds(Says, texts(), places)
    events = st.sampled_from(
        ["MESSAGE_CREATE", "MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_DELETE_BULK"]
    )
    message = st.builds(Message, events, texts(), places, wrong)
    kinds = st.sampled_from(["command", "menu", "press", "choose", "form", "complete", "ping", "zq"])
    value = st.sampled_from(VALUES) | texts()
    used = st.builds(Used, kinds, texts(), st.sampled_from(COMMANDS), st.integers(0, 8), value, wrong, wrong)
    about = st.sampled_from(["guild", "channel", "thread", "member", "nothing"])
    elsewhere = st.builds(Elsewhere, st.sampled_from(EVENTS), about, odd(), wrong)
    asks = st.builds(Asks, texts(), wrong, wrong)
    ways: list[SearchStrategy[Case]] = [said, message, message, used, used, used, asks, elsewhere]
    return st.integers(0, len(ways) - 1).flatmap(lambda number: ways[number])


def data(used: Used, code: str, target: JSON) -> JSON:
    """What an interaction brings, soundly. https://docs.discord.com/developers/interactions/receiving-and-responding"""
    name, _, sub = used.command.partition(" ")
    match used.kind:
        case "menu":
            resolved = {"messages": {target["id"]: target}}
            return {
                "id": "1",
                "name": "Ask Parley about this",
                "type": 3,
                "target_id": target["id"],
                "resolved": resolved,
            }
        case "press":
            return {"custom_id": code, "component_type": 2, "id": 1}
        case "choose":
            return {"custom_id": f"menu:{code}", "component_type": 3, "values": [code], "id": 1}
        case "form":
            field = {"type": 4, "custom_id": "question", "value": used.text, "id": 2}
            label = {"type": 18, "id": 1, "component": field}
            return {"custom_id": code if used.part % 2 else f"reply:{code}", "components": [label], "resolved": {}}
        case "complete":
            option = {"name": "tool", "type": 3, "value": used.text, "focused": True}
            return {
                "id": "1",
                "name": "tools",
                "type": 1,
                "options": [{"name": "enable", "type": 1, "options": [option]}],
            }
    prompt = [{"name": "prompt", "type": 3, "value": used.text}]
    options = [{"name": sub, "type": 1, "options": []}] if sub else prompt if name == "ask" else []
    return {"id": "1", "name": name, "type": 1, "options": options}


KINDS = {"ping": 1, "command": 2, "menu": 2, "press": 3, "choose": 3, "complete": 4, "form": 5, "zq": 99}
