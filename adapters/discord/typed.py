"""What a person typed, a message's `content`, as text for the model:
https://docs.discord.com/developers/reference#message-formatting"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

CODE = re.compile(r"(?<!\\)(```.+?```|``.+?``(?!`)|`[^`]+`(?!`))", re.DOTALL)
ID = r"[0-9]{1,20}"
TOKENS = re.compile(
    rf"<(?:@!?(?P<person>{ID})|@&(?P<role>{ID})|\#(?P<channel>{ID})|a?:(?P<emoji>[\w~]{{1,40}}):{ID}"
    rf"|/(?P<command>[^<>:\n]{{1,100}}):{ID}|t:(?P<seconds>-?[0-9]{{1,15}})(?::(?P<style>[tTdDfFsSR]))?"
    rf"|id:(?P<place>customize|browse|guide|linked-roles)(?::{ID})?)>"
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PLACES = {
    "customize": "Channels & Roles",
    "browse": "Browse Channels",
    "guide": "Server Guide",
    "linked-roles": "Linked Roles",
}


@dataclass(frozen=True, slots=True)
class Named:
    """Ids of those that a message names outside of code, each once and in order."""

    people: tuple[str, ...]
    roles: tuple[str, ...]
    channels: tuple[str, ...]


def named(text: str) -> Named:
    found = list(_named(text))
    people, roles, channels = (
        tuple(dict.fromkeys(id_ for kind, id_ in found if kind == wanted)) for wanted in ("person", "role", "channel")
    )
    return Named(people, roles, channels)


def _named(text: str) -> Iterator[tuple[str, str]]:
    for words in CODE.split(text)[::2]:
        for found in TOKENS.finditer(words):
            kind = found.lastgroup or ""
            yield kind, found[kind]


def readable(
    text: str,
    people: Mapping[str, str],
    roles: Mapping[str, str],
    channels: Mapping[str, str],
    *,
    me: str,
    my_roles: Collection[str] = (),
) -> str:
    """What a person typed as text for the model. `people`, `roles` and `channels` give names by id; `me` is the bot's
    own user id, and `my_roles` are roles that only it has. Times are in UTC. Code is what was typed there."""
    mine = "|".join([f"<@!?{re.escape(me)}>", *(f"<@&{re.escape(role)}>" for role in my_roles)])
    text = re.sub(rf"\A\s*(?:(?:{mine})[\s,:]*)+", "", text)
    names = {
        "person": {**people, me: "Parley"},
        "role": {**roles, **dict.fromkeys(my_roles, "Parley")},
        "channel": channels,
    }
    spoken = CODE.split(text)
    spoken[::2] = [TOKENS.sub(lambda found: _shown(found, names), words) for words in spoken[::2]]
    return "".join(spoken).strip()


def _shown(found: re.Match[str], names: Mapping[str, Mapping[str, str]]) -> str:
    if found["seconds"]:
        return _moment(int(found["seconds"]), found["style"]) or found[0]
    kind = found.lastgroup or ""
    value = found[kind]
    match kind:
        case "emoji":
            return f":{value}:"
        case "command":
            return f"/{value}"
        case "place":
            return PLACES[value]
        case "channel":
            return "#" + (names[kind].get(value) or value).removeprefix("#")
        case _:
            return "@" + (names[kind].get(value) or value).removeprefix("@")


def _moment(seconds: int, style: str | None) -> str:
    """A moment as its style tells it, the relative one whole; "" for one that no calendar here has."""
    try:
        moment = EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return ""
    day, minute, second = str(moment.date()), f"{moment:%H:%M} UTC", f"{moment:%H:%M:%S} UTC"
    match style:
        case "t":
            return minute
        case "T":
            return second
        case "d" | "D":
            return day
        case "S":
            return f"{day} {second}"
        case _:
            return f"{day} {minute}"
