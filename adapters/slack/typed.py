"""What a person typed, the mrkdwn of an event, as text for the model: https://docs.slack.dev/messaging/formatting-message-text"""

import html
import re
from collections.abc import Mapping

CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
TOKENS = re.compile(r"<([@#!]?)([^<>|\s][^<>|]*)(?:\|([^<>]*))?>|&(?:lt|gt|amp);")
CODE_TOKENS = re.compile(r"<((?:https?://|mailto:|tel:)[^<>|]*)(?:\|([^<>]*))?>|&(?:lt|gt|amp);")


def readable(text: str, people: Mapping[str, str], channels: Mapping[str, str], *, me: str) -> str:
    """What a person typed, an event's mrkdwn, as text for the model. `people` and `channels` give names by id; `me` is
    the bot's own user id. Links in code are what was typed there; Slack puts their brackets around them."""

    def shown(found: re.Match[str]) -> str:
        return _token(found, people, channels, me)

    if me:
        text = re.sub(rf"\A\s*(?:<@{re.escape(me)}(?:\|[^<>]*)?>[\s,:]*)+", "", text)
    spoken = CODE.split(text)
    for at, words in enumerate(spoken):
        spoken[at] = CODE_TOKENS.sub(_typed, words) if at % 2 else TOKENS.sub(shown, words)
    return "".join(spoken).strip()


def mentioned(text: str) -> tuple[list[str], list[str]]:
    """Ids of the people named in an event's text, and of the channels named without their name; each once, in order."""
    words = "".join(CODE.split(text)[::2])
    found = [(kind, id_) for kind, id_, label in TOKENS.findall(words) if kind == "@" or (kind == "#" and not label)]
    people, channels = ([id_ for kind, id_ in dict.fromkeys(found) if kind == wanted] for wanted in "@#")
    return people, channels


def _typed(found: re.Match[str]) -> str:
    return html.unescape(found[2] or found[1] or found[0])


def _token(found: re.Match[str], people: Mapping[str, str], channels: Mapping[str, str], me: str) -> str:
    kind, name, label = found[1], found[2], html.unescape(found[3] or "")
    if name is None:
        return html.unescape(found[0])
    match kind:
        case "@":
            known = "Parley" if name == me else people.get(name) or label or name
            return "@" + known.removeprefix("@")
        case "#":
            return "#" + (channels.get(name) or label or name).removeprefix("#")
        case "!":
            return _special(name, label)
        case _:
            return _address(html.unescape(name), label) if ":" in name else html.unescape(found[0])


def _special(name: str, label: str) -> str:
    """A `<!here>`, `<!subteam^S1|@team>` or `<!date^…|on Monday>`."""
    command, _, argument = name.partition("^")
    if command == "date":
        return label or argument
    return label if label.startswith("@") else "@" + (label or argument or command)


def _address(url: str, label: str) -> str:
    bare = re.sub(r"\A(?:https?://|mailto:|tel:)", "", url, flags=re.IGNORECASE)
    shown = url if "://" in url else bare
    return shown if not label or label.rstrip("/") in (url.rstrip("/"), bare.rstrip("/")) else f"{label} ({shown})"
