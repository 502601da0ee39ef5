"""The Home tab and the form for the workspace's assistant, as blocks; and which command each part of them stands for.

Limits: 100 blocks in a view, 3,000 characters in a text, 100 options of 75 characters in a menu, 3,000 characters in a
field of a form. https://docs.slack.dev/reference/block-kit/blocks, https://docs.slack.dev/reference/views
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from adapters.slack.blocks import Block, escaped, fitting, plain, quiet, units
from adapters.slack.greeting import how
from adapters.slack.manifest import COMMAND
from bot.ports import Overview, Settings, Switch

PREFIX = "home:"
"""What the `action_id` and `callback_id` of everything here begins with."""
CHANGE, ASSISTANT, TOOL, APPROVAL = (f"{PREFIX}{what}" for what in ("change", "assistant", "tool", "approval"))

MODEL, TEMPERATURE, INSTRUCTIONS = "model", "temperature", "instructions"
FIELDS = (TEMPERATURE, MODEL, INSTRUCTIONS)
"""The fields of the form, that which is most easily refused first."""

MOST_BLOCKS, MOST_OPTIONS = 100, 100
LONGEST, LONGEST_OPTION, LONGEST_FIELD = 2_900, 75, 3_000
LONGEST_DESCRIPTION = 300
"""Characters of a tool's description: our own measure."""

ASK_HELP = f"`{COMMAND} ask` QUESTION — ask me in a channel; I answer in a thread"
OWN = f"This assistant cannot be changed. Make one of your own: `{COMMAND} assistant create NAME`"
TOO_LONG = (
    f"The instructions are longer than the {LONGEST_FIELD:,} characters that a form takes. "
    f"Change them with `{COMMAND} assistant set instructions …`."
)


def tab(overview: Overview, *, mention: str, follow_threads: bool, notice: str = "") -> Mapping[str, Any]:
    """The Home tab of one person. `notice` is what that person's last press came to."""
    direct = f"Or write to me in the Messages tab, or say `{COMMAND} ask` and your question."
    top = [
        *([_context(mrkdwn(notice, LONGEST))] if notice else ()),
        _header("Parley"),
        _section(f"{how(mention, follow_threads=follow_threads)} {direct}"),
    ]
    if overview.refused:
        return {"type": "home", "blocks": [*top, _section(mrkdwn(overview.help, LONGEST))]}
    usage = [_header("What you used"), *_listed(overview.usage.splitlines())] if overview.usage else []
    top += [_header("What I can use"), *_listed(overview.tools or ["Nothing: all tools are off."]), *usage]
    said = [f"• {ASK_HELP}", *_items(overview.help.splitlines())]
    end = [_header("What you can say"), *_packed(said)]
    if overview.settings is None:
        return {"type": "home", "blocks": [*top, *end]}
    admins = _settings(overview.settings)
    room = MOST_BLOCKS - len(top) - len(admins) - len(end)
    return {"type": "home", "blocks": [*top, *admins, *_switches(overview.settings.switches, room), *end]}


def refused(sentence: str) -> Overview:
    """What there is for someone who may not ask here."""
    return Overview(sentence, (), "", refused=True)


def command(action: Mapping[str, Any]) -> str:
    """What a press on the Home tab says; empty for none of its buttons."""
    what, _, name = str(action.get("action_id") or "").removeprefix(PREFIX).partition(":")
    value = str(action.get("value") or (action.get("selected_option") or {}).get("value") or "")
    match f"{PREFIX}{what}":
        case kind if kind == TOOL:
            return f"tools {value} {name} workspace"
        case kind if kind == APPROVAL:
            return f"tools approve {name} {value} workspace"
        case kind if kind == ASSISTANT:
            return f"assistant use {value} workspace"
    return ""


def form(settings: Settings) -> Mapping[str, Any]:
    """The form for the assistant that answers. It remembers whose values it shows, and which they were."""
    kept = {"assistant": settings.assistant, "was": {field: mark(value_of(settings, field)) for field in FIELDS}}
    temperature = "" if settings.temperature is None else f"{settings.temperature:g}"
    fields = [
        _field(MODEL, "Model", settings.model, hint="As its provider names it."),
        _field(TEMPERATURE, "Temperature", temperature, hint="From 0 to 2. Empty: the model's own.", optional=True),
        _field(INSTRUCTIONS, "Instructions", settings.instructions, multiline=True, optional=not settings.instructions)
        if units(settings.instructions) <= LONGEST_FIELD
        else _section(TOO_LONG),
    ]
    return {
        "type": "modal",
        "callback_id": CHANGE,
        "private_metadata": json.dumps(kept),
        "title": plain("Change the assistant"),
        "submit": plain("Save"),
        "close": plain("Cancel"),
        "blocks": fields,
    }


def about(view: Mapping[str, Any]) -> tuple[str, Mapping[str, str]]:
    """The assistant that a form is for, and the mark of each value that it had when the form was opened."""
    try:
        found = json.loads(view["private_metadata"])
        return str(found["assistant"]), dict(found["was"])
    except (ValueError, TypeError, KeyError, RecursionError):  # another version opened it
        return str(view["private_metadata"]), {}


def value_of(settings: Settings, field: str) -> str:
    """A field's value as `changes` tells it."""
    match field:
        case "temperature":
            return "default" if settings.temperature is None else f"{settings.temperature:g}"
        case "model":
            return settings.model.strip()
    return settings.instructions.strip()


def mark(value: str) -> str:
    """Tells a value from another one: instructions are longer than what a form can remember."""
    return hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def changes(view: Mapping[str, Any], saved: Collection[str] = ()) -> Iterator[tuple[str, str]]:
    """(field, value) of each field of a sent form that is not as it was when the form was opened, or was `saved` since
    by the same form."""
    before = {
        block["block_id"]: str(block["element"].get("initial_value") or "")
        for block in view["blocks"]
        if block["type"] == "input"
    }
    for field in FIELDS:
        if field not in before:
            continue
        now, was = str(view["state"]["values"][field][field].get("value") or "").strip(), before[field].strip()
        if field == TEMPERATURE:
            now, was = _temperature(now), _temperature(was)
        if now != was or field in saved:
            yield field, now


def _temperature(said: str) -> str:
    """In one way where there are several."""
    try:
        return f"{float(said):g}" if said else "default"
    except ValueError:
        return said


def mrkdwn(text: str, longest: int) -> str:
    """Plain text as `mrkdwn`, cut so that no escaped character is cut in two."""
    size = longest
    while (over := units(escaped(fitting(text, size))) - longest) > 0:
        size -= max(1, over // 5)  # an escaped character has at most five
    return escaped(fitting(text, size))


def _settings(settings: Settings) -> list[Block]:
    """What admins set of the assistant."""
    temperature = "the model's own" if settings.temperature is None else f"{settings.temperature:g}"
    about = f"*Model:* {escaped(fitting(settings.model, 200))}\n*Temperature:* {temperature}"
    changed = [_button(CHANGE, "Change…", settings.assistant)] if settings.may_set else []
    return [
        {"type": "divider"},
        _header("For admins"),
        _context("Only admins see this. A change holds in the whole workspace, from the next question on."),
        _section("*Who answers*", _menu(settings)),
        _section(about, *changed),
        *([] if settings.may_set else [_context(OWN)]),
        _section("*Instructions*"),
        {"type": "section", "text": plain(fitting(quiet(settings.instructions), LONGEST) or "None.")},
    ]


def _menu(settings: Settings) -> Block:
    """Without a `block_id` of ours Slack makes a new one each time, and forgets what was chosen but did not hold."""
    names = [settings.assistant, *(name for name in settings.assistants if name != settings.assistant)]
    options = [{"text": plain(fitting(name, LONGEST_OPTION)), "value": name} for name in names[:MOST_OPTIONS]]
    found = {"type": "static_select", "action_id": ASSISTANT, "options": options, "initial_option": options[0]}
    return {**found, "placeholder": plain("Choose an assistant")}


def _switches(switches: Sequence[Switch], room: int) -> Iterator[Block]:
    """Two blocks a tool, in `room` blocks at the most."""
    yield _section("*Tools*")
    shown = switches if 1 + 2 * len(switches) <= room else switches[: (room - 2) // 2]
    for switch in shown:
        state = f"{'on' if switch.enabled else 'off'}{', asks before each call' if switch.needs_approval else ''}"
        told = escaped(fitting(switch.description, LONGEST_DESCRIPTION))
        label, verb = ("Disable", "disable") if switch.enabled else ("Enable", "enable")
        yield _section(f"*{escaped(switch.tool)}* ({state})\n{told}", _button(f"{TOOL}:{switch.tool}", label, verb))
        asks = ("Do not ask before each call", "off") if switch.needs_approval else ("Ask before each call", "on")
        yield {"type": "actions", "elements": [_button(f"{APPROVAL}:{switch.tool}", *asks)]}
    if left := len(switches) - len(shown):
        yield _context(f"There are {left} more. See them with `{COMMAND} tools list`.")


def _listed(lines: Sequence[str]) -> list[Block]:
    """Plain lines."""
    return _packed([*_items(lines)])


def _items(lines: Sequence[str]) -> Iterator[str]:
    """Plain lines as the `mrkdwn` of a list."""
    return (mrkdwn(f"• {line}", LONGEST) for line in lines)


def _packed(items: Sequence[str]) -> list[Block]:
    """`mrkdwn` in as few sections as hold it."""
    texts = [""]
    for item in items:
        if texts[-1] and units(texts[-1]) + 1 + units(item) > LONGEST:
            texts.append(item)
        else:
            texts[-1] = f"{texts[-1]}\n{item}" if texts[-1] else item
    return [_section(text or "…") for text in texts]


def _field(
    name: str, label: str, value: str, *, hint: str = "", multiline: bool = False, optional: bool = False
) -> Block:
    """https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element"""
    element = {"type": "plain_text_input", "action_id": name, "multiline": multiline, "max_length": LONGEST_FIELD}
    if value:
        element["initial_value"] = value
    field = {"type": "input", "block_id": name, "label": plain(label), "element": element, "optional": optional}
    return {**field, "hint": plain(hint)} if hint else field


def _section(text: str, *accessory: Block) -> Block:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    return {**section, "accessory": accessory[0]} if accessory else section


def _button(action_id: str, label: str, value: str) -> Block:
    return {"type": "button", "action_id": action_id, "text": plain(label), "value": value}


def _header(text: str) -> Block:
    return {"type": "header", "text": plain(text)}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}
