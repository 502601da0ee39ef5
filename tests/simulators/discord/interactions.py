"""Interactions: a person uses a command, a menu, a button or a form; the app has three seconds, then fifteen minutes.

https://docs.discord.com/developers/interactions/receiving-and-responding
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.simulators.discord import announce, commands, payloads
from tests.simulators.discord.commands import ATTACHMENT, CHANNEL, MENTIONABLE, MESSAGE_MENU, ROLE, USER
from tests.simulators.discord.messages import DM, Channel, File, Message
from tests.simulators.discord.permissions import ALL, Role
from tests.simulators.discord.values import JSON, Choice, Refusal

if TYPE_CHECKING:
    from tests.simulators.discord.people import Person
    from tests.simulators.discord.world import World

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL = 2, 3, 4, 5
"""https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-interaction-type"""
ANSWER_SECONDS, TOKEN_SECONDS = 3.0, 900.0
"""https://docs.discord.com/developers/interactions/receiving-and-responding#responding-to-an-interaction"""
FILE_BYTES = 10 * 1024 * 1024
"""https://docs.discord.com/developers/reference#uploading-files"""
NO_RESPONSE = "The application did not respond"


@dataclass(eq=False, repr=False)
class Interaction:
    """What a person did, and what came of it. `acknowledged_after`: seconds, None while the app has said nothing;
    `deferred`: it said "thinking" first; `responses`: its messages, the private ones too; `source`: the message whose
    button was pressed, `target`: that of a menu; `choices`: of an autocomplete; `modal`: the form that it opened.
    """

    world: World
    id: str
    token: str
    kind: int
    person: Person
    channel: Channel
    at: float
    command: str = ""
    source: Message | None = None
    target: Message | None = None
    delivered: bool = True
    acknowledged_after: float | None = None
    deferred: bool = False
    ephemeral: bool = False
    original: Message | None = None
    responses: list[Message] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    modal: JSON | None = None

    def __repr__(self) -> str:
        return f"<{self.person.name} {self.command or self.kind}: {self.text!r}>"

    @property
    def acknowledged(self) -> bool:
        return self.acknowledged_after is not None

    @property
    def age(self) -> float:
        return self.world.now() - self.at

    @property
    def error(self) -> str:
        """What Discord tells the person where the app was too late or is not there; otherwise empty."""
        waiting = self.delivered and self.age < ANSWER_SECONDS
        return "" if self.acknowledged or waiting else NO_RESPONSE

    @property
    def text(self) -> str:
        """What the person reads in answer, all messages together."""
        return "\n".join(one.text for one in self.responses if not (one.deleted or one.loading))

    @property
    def thinking(self) -> bool:
        """Whether the person still sees that the app is thinking."""
        return any(one.loading and not one.deleted for one in self.responses)

    @property
    def files(self) -> list[File]:
        return [file for one in self.responses if not one.deleted for file in one.files]


class Interactions:
    """All that were begun, by their tokens."""

    def __init__(self, world: World) -> None:
        self.made: list[Interaction] = []
        self._world = world
        self._by_token: dict[str, Interaction] = {}

    def begin(
        self, person: Person, kind: int, channel: Channel, data: JSON, source: Message | None = None
    ) -> Interaction:
        """Send a new interaction to the app."""
        world = self._world
        id_ = world.next_id()
        made = Interaction(world, id_, f"aW50ZXJhY3Rpb24{id_}", kind, person, channel, world.now(), source=source)
        made.command = data.get("name", "")
        made.target = channel.entries.get(data.get("target_id", ""))
        self.made.append(made)
        self._by_token[made.token] = made
        guild = channel.guild.id if channel.guild else ""
        made.delivered = announce.interacted(world, guild, _payload(world, made, data))
        return made

    def inject(self, person: Person, kind: int, channel: Channel, change: Callable[[JSON], object]) -> Interaction:
        """Send whatever `change` makes of a sound interaction. An answer counts for the sound one."""
        world = self._world
        id_ = world.next_id()
        made = Interaction(world, id_, f"aW50ZXJhY3Rpb24{id_}", kind, person, channel, world.now())
        self.made.append(made)
        self._by_token[made.token] = made
        world.gateway.inject("INTERACTION_CREATE", change(_payload(world, made, {})))
        return made

    def unanswered(self, id_: str, token: str) -> Interaction:
        """An interaction that waits for its first answer. Raises `Refusal`."""
        found = self._by_token.get(token)
        if found is None or found.id != id_:
            raise Refusal(10062)
        if found.acknowledged:
            raise Refusal(40060)
        if found.age >= ANSWER_SECONDS:
            raise Refusal(10062)
        return found

    def answered(self, app: str, token: str) -> Interaction:
        """An interaction that takes further answers. Raises `Refusal`."""
        found = self._by_token.get(token)
        if found is None or app != self._world.app_id or not found.acknowledged:
            raise Refusal(10015)
        if found.age >= TOKEN_SECONDS:
            raise Refusal(50027)
        return found


async def use(
    world: World, person: Person, line: str, channel: Channel, given: Mapping[str, Any], *, waits: bool
) -> Interaction:
    name, *words = line.removeprefix("/").split()
    data, resolved = _command(world, person, name, channel)
    leaf, way = commands.typed(data, words)
    options = [_option(world, channel, option, value, resolved) for option, value in commands.filled(leaf, given)]
    return await _answer(world, _begin(world, person, COMMAND, channel, data, way, options, resolved), waits=waits)


async def complete(
    world: World, person: Person, line: str, option: str, text: str, channel: Channel, given: Mapping[str, Any]
) -> list[Choice]:
    name, *words = line.removeprefix("/").split()
    data, resolved = _command(world, person, name, channel)
    leaf, way = commands.typed(data, words)
    options = []
    for each, value in commands.filled(leaf, {**given, option: text}, partly=True):
        shown = {"name": each["name"], "type": each["type"], "value": value}
        if each["name"] == option:
            if not each.get("autocomplete"):
                raise LookupError(f"{option} of /{line} completes nothing")
            shown["focused"] = True
        options.append(shown)
    asked = await _answer(world, _begin(world, person, AUTOCOMPLETE, channel, data, way, options, resolved), waits=True)
    if asked.error:
        raise TimeoutError(asked.error)
    return asked.choices


async def menu(world: World, person: Person, name: str, message: Message, *, waits: bool) -> Interaction:
    data, resolved = _command(world, person, name, message.channel, MESSAGE_MENU)
    resolved["messages"] = {message.id: payloads.message(world, message)}
    used = {"id": data["id"], "name": name, "type": MESSAGE_MENU, "target_id": message.id, "resolved": resolved}
    return await _answer(world, world.interactions.begin(person, COMMAND, message.channel, used), waits=waits)


async def press(
    world: World, person: Person, message: Message, name: str, values: Sequence[str], *, waits: bool
) -> Interaction:
    if message.deleted or (message.only_for and message.only_for is not person):
        raise LookupError(f"{person.name} does not see {message.text!r}")
    part = message.component(name)
    used: JSON = {"custom_id": part["custom_id"], "component_type": part["type"], "id": part["id"]}
    if "options" in part:
        offered = {option["value"] for option in part["options"]}
        least, most = part.get("min_values", 1), part.get("max_values", 1)
        if set(values) - offered or not least <= len(values) <= most:
            raise LookupError(f"{list(values)} of {sorted(offered)}")
        used["values"] = list(values)
    made = world.interactions.begin(person, COMPONENT, message.channel, used, message)
    return await _answer(world, made, waits=waits)


def chosen(message: Message, label: str) -> tuple[str, str]:
    """The custom id of the menu that offers a label, and the value of that. Raises `LookupError`."""
    for part in message.parts:
        for option in part.get("options") or ():
            if option["label"] == label:
                return part["custom_id"], option["value"]
    raise LookupError(f"no {label} in {message.menus}")


async def submit(
    world: World, person: Person, asked: Interaction, given: Mapping[str, str], *, waits: bool
) -> Interaction:
    if asked.modal is None:
        raise LookupError(f"no form came of {asked.command}")
    form = asked.modal
    rows = [_filled(part, given) for part in form["components"]]
    asked.modal = None
    used = {"custom_id": form["custom_id"], "components": rows, "resolved": {}}
    made = world.interactions.begin(person, MODAL, asked.channel, used, asked.source)
    return await _answer(world, made, waits=waits)


def _filled(part: JSON, given: Mapping[str, str]) -> JSON:
    """A row or a label of a form, with what the person wrote into its field."""
    if "component" in part:
        return {"type": part["type"], "id": part.get("id", 1), "component": _filled(part["component"], given)}
    if "components" in part:
        return {"type": part["type"], "components": [_filled(one, given) for one in part["components"]]}
    if "custom_id" not in part:
        return {"type": part["type"], "id": part.get("id", 1)}
    value = given.get(part["custom_id"], part.get("value") or "")
    if not (part.get("min_length") or part.get("required", True)) <= len(value) <= (part.get("max_length") or 4_000):
        raise LookupError(f"{part['custom_id']} is too short or too long")
    return {"type": part["type"], "id": part.get("id", 1), "custom_id": part["custom_id"], "value": value}


async def _answer(world: World, asked: Interaction, *, waits: bool) -> Interaction:
    if waits:
        await world.until(lambda: asked.acknowledged or asked.error)
    return asked


def _command(world: World, person: Person, name: str, channel: Channel, kind: int = commands.CHAT) -> tuple[JSON, JSON]:
    """The command that this person sees here under a name, and room for what its options name."""
    guild = channel.guild
    found = world.commands.find(name, kind, guild.id if guild else "")
    if not commands.allowed(found, guild.permissions(person, channel) if guild else None):
        raise LookupError(f"Discord does not show {name} to {person.name} here")
    if channel.archived:
        raise LookupError(f"{channel.name} is archived")
    return found, {}


def _begin(
    world: World,
    person: Person,
    kind: int,
    channel: Channel,
    data: JSON,
    way: list[JSON],
    options: list[JSON],
    resolved: JSON,
) -> Interaction:
    for step in reversed(way):
        options = [{"name": step["name"], "type": step["type"], "options": options}]
    used: JSON = {"id": data["id"], "name": data["name"], "type": data["type"], "options": options}
    used |= {"resolved": resolved} if resolved else {}
    used |= {"guild_id": data["guild_id"]} if "guild_id" in data else {}
    return world.interactions.begin(person, kind, channel, used)


def _option(world: World, channel: Channel, option: JSON, value: Any, resolved: JSON) -> JSON:
    """One option with its value; things are named by their ids and written down in `resolved`."""
    guild, kind = channel.guild, option["type"]
    if kind == ATTACHMENT:
        value.ephemeral = True
        resolved.setdefault("attachments", {})[value.id] = payloads.attachment(world, value)
    elif kind == CHANNEL:
        shown = payloads.channel(world, value) | {"permissions": str(int(ALL))}
        resolved.setdefault("channels", {})[value.id] = shown
    elif kind == ROLE or (kind == MENTIONABLE and isinstance(value, Role)):
        resolved.setdefault("roles", {})[value.id] = payloads.role(value)
    elif kind in (USER, MENTIONABLE):
        resolved.setdefault("users", {})[value.id] = payloads.user(value)
        if guild and value.id in guild.members:
            resolved.setdefault("members", {})[value.id] = payloads.member(guild, value, whole=False)
    else:
        return {"name": option["name"], "type": kind, "value": value}
    return {"name": option["name"], "type": kind, "value": value.id}


def _payload(world: World, made: Interaction, data: JSON) -> JSON:
    """https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object"""
    place, person = made.channel, made.person
    found: JSON = {
        "id": made.id,
        "application_id": world.app_id,
        "type": made.kind,
        "token": made.token,
        "version": 1,
        "data": data,
        "channel": payloads.channel(world, place),
        "channel_id": place.id,
        "locale": "en-US",
        "entitlements": [],
        "authorizing_integration_owners": {"0": place.guild.id if place.guild else "0"},
        "context": 1 if place.kind == DM else 0,
        "attachment_size_limit": FILE_BYTES,
        "app_permissions": "0",
    }
    if made.source:
        found["message"] = payloads.message(world, made.source)
    if place.guild is None:
        return found | {"user": payloads.user(person)}
    found["channel"]["permissions"] = str(int(place.guild.permissions(person, place)))
    member = payloads.member(place.guild, person) | {"permissions": found["channel"]["permissions"]}
    return found | {
        "guild": {"id": place.guild.id, "locale": "en-US", "features": []},
        "guild_id": place.guild.id,
        "guild_locale": "en-US",
        "member": member,
        "app_permissions": str(int(place.guild.permissions(world.me, place))),
    }
