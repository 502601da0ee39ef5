"""Blocks: what a person reads of them, where a button stands in them, and how long their parts may be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tests.simulators.slack.values import JSON, Refusal

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
"""https://docs.slack.dev/reference/block-kit/blocks"""
MARKDOWN = 12_000
"""Of all markdown blocks of a message together: https://docs.slack.dev/reference/block-kit/blocks/markdown-block"""
ALL_TEXT = 13_200
"""Where messages of several blocks begin to fail with msg_blocks_too_long; measured in slackapi/bolt-js#2509."""
MESSAGE_ONLY = {"context_actions", "plan", "task_card"}
"""https://docs.slack.dev/reference/block-kit/blocks/context-actions-block"""

_TEXTS = {
    # As they stand in a context block: https://docs.slack.dev/reference/block-kit/composition-objects/text-object
    "plain_text": {"text": 3_000},
    "mrkdwn": {"text": 3_000},
    "section": {"text": 3_000},
    "header": {"text": 150},
    "markdown": {"text": MARKDOWN},
    "button": {"text": 75, "value": 2_000, "url": 3_000},
    "input": {"label": 2_000, "hint": 2_000},
    "static_select": {"placeholder": 150},
    "plain_text_input": {"placeholder": 150, "initial_value": 3_000},
    "image": {"image_url": 3_000, "alt_text": 2_000},
}
"""Characters, https://docs.slack.dev/reference/block-kit/blocks and …/block-elements."""
_COUNTS = {
    "actions": {"elements": 25},
    "context": {"elements": 10},
    "context_actions": {"elements": 5},
    "section": {"fields": 10},
    "static_select": {"options": 100},
    "checkboxes": {"options": 10},
    "radio_buttons": {"options": 10},
    "overflow": {"options": 5},
    "plan": {"tasks": 50},
}
_IDS = {"block_id": 255, "action_id": 255}
_OPTION = {"text": 75, "value": 150, "description": 75}
"""https://docs.slack.dev/reference/block-kit/composition-objects/option-object"""
_NUMBERS = {"min_length": (0, 3_000), "max_length": (1, 3_000)}
"""https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element"""


def readable(blocks: Iterable[JSON]) -> str:
    """The Markdown and other running text of blocks, a blank line between two. Context, cards and buttons are not
    part of it.
    """
    return "\n\n".join(text for text in map(_readable, blocks) if text)


def footnotes(blocks: Iterable[JSON]) -> list[str]:
    """The texts of context blocks."""
    found = [block["elements"] for block in blocks if block.get("type") == "context"]
    return [_text(element) for elements in found for element in elements if "text" in element]


def tasks(blocks: Iterable[JSON]) -> list[tuple[str, str]]:
    """(title, status) of each task card, those of a plan too."""
    found = []
    for block in blocks:
        cards = [block] if block.get("type") == "task_card" else block.get("tasks") or []
        found += [(str(card.get("title", "")), str(card.get("status", ""))) for card in cards]
    return found


def elements(blocks: Iterable[JSON]) -> Iterator[tuple[JSON, JSON]]:
    """(block, element) of everything that can be pressed, chosen or filled in."""
    for block in blocks:
        parts = [*_list(block, "elements"), *_list(block, "actions")]
        parts += [block[name] for name in ("accessory", "element") if name in block]
        for part in parts:
            if isinstance(part, dict) and "type" in part:
                yield block, part
        for child in (*_list(block, "child_blocks"), *_list(block, "elements")):
            if isinstance(child, dict) and block.get("type") in ("container", "carousel"):
                yield from elements([child])


def name_parts(blocks: Sequence[JSON], new_id: Any) -> list[JSON]:
    """The blocks with an id wherever the app gave none, as Slack keeps them."""
    for block in blocks:
        block.setdefault("block_id", new_id())
    for _, element in elements(blocks):
        if element["type"] in _PRESSED or element["type"].endswith(("_select", "_input", "picker")):
            element.setdefault("action_id", new_id())
    return list(blocks)


_PRESSED = {"button", "feedback_buttons", "icon_button", "overflow", "checkboxes", "radio_buttons", "workflow_button"}


def check_message(blocks: Sequence[JSON], *, too_many: str = "invalid_blocks") -> None:
    """Raises `Refusal` where Slack would refuse these blocks in a message."""
    if len(blocks) > MESSAGE_BLOCKS:
        raise Refusal(too_many, f"no more than {MESSAGE_BLOCKS} items allowed [json-pointer:/blocks]")
    _check(blocks)
    markdown = sum(len(block.get("text", "")) for block in blocks if block.get("type") == "markdown")
    if markdown > MARKDOWN or (len(blocks) > 1 and sum(map(_weight, blocks)) > ALL_TEXT):
        raise Refusal("msg_blocks_too_long", f"{markdown} characters of markdown")


def check_view(blocks: Sequence[JSON]) -> None:
    """Raises `Refusal` where Slack would refuse these blocks in a modal or on the Home tab."""
    if len(blocks) > VIEW_BLOCKS:
        raise Refusal("invalid_arguments", f"no more than {VIEW_BLOCKS} items allowed [json-pointer:/view/blocks]")
    for number, block in enumerate(blocks):
        if block.get("type") in MESSAGE_ONLY:
            raise Refusal(
                "invalid_arguments", f"unsupported type: {block['type']} [json-pointer:/view/blocks/{number}]"
            )
    _check(blocks)


def _check(blocks: Sequence[JSON]) -> None:
    names = [block["block_id"] for block in blocks if "block_id" in block]
    if len(names) != len(set(names)):
        raise Refusal("invalid_blocks", "block_id must be unique")
    for number, block in enumerate(blocks):
        _check_part(block, f"/blocks/{number}")
        pressed = [element["action_id"] for _, element in elements([block]) if "action_id" in element]
        if len(pressed) != len(set(pressed)):
            raise Refusal("invalid_blocks", f"action_id already exists [json-pointer:/blocks/{number}]")
        for _, element in elements([block]):
            _check_part(element, f"/blocks/{number}/{element.get('action_id', element['type'])}")


def _check_part(part: JSON, place: str) -> None:
    kind = str(part.get("type"))
    longest = {**_IDS, **_TEXTS.get(kind, {})}
    for name, limit in longest.items():
        if len(_text(part.get(name, ""))) > limit:
            raise Refusal("invalid_blocks", f"must be less than {limit + 1} characters [json-pointer:{place}/{name}]")
        if isinstance(part.get(name), dict) and not _text(part[name]):
            raise Refusal("invalid_blocks", f"must be more than 0 characters [json-pointer:{place}/{name}]")
    for name, (least, most) in _NUMBERS.items():
        if kind == "plain_text_input" and not least <= part.get(name, least) <= most:
            raise Refusal("invalid_blocks", f"must be from {least} to {most} [json-pointer:{place}/{name}]")
    if kind == "static_select" and not (part.get("options") or part.get("option_groups")):
        raise Refusal("invalid_blocks", f"must provide options [json-pointer:{place}/options]")
    for name, limit in _COUNTS.get(kind, {}).items():
        if len(_list(part, name)) > limit:
            raise Refusal("invalid_blocks", f"no more than {limit} items allowed [json-pointer:{place}/{name}]")
    for option in _list(part, "options"):
        if not _text(option.get("text")):
            raise Refusal("invalid_blocks", f"must be more than 0 characters [json-pointer:{place}/options]")
        for name, limit in _OPTION.items():
            if len(_text(option.get(name, ""))) > limit:
                raise Refusal("invalid_blocks", f"must be less than {limit + 1} characters [json-pointer:{place}]")


def _readable(block: JSON) -> str:
    match block.get("type"):
        case "markdown":
            return str(block.get("text", ""))
        case "section":
            return "\n".join(_text(part) for part in [block.get("text"), *_list(block, "fields")] if part)
        case "header":
            return _text(block.get("text"))
        case "rich_text":
            return _runs(block)
    return ""


def _runs(part: JSON) -> str:
    """The plain text of rich text, a line for each part of a list."""
    inside = _list(part, "elements")
    if not inside:
        return str(part.get("text") or part.get("url") or (f"<@{part['user_id']}>" if "user_id" in part else ""))
    return ("\n" if part.get("type") == "rich_text_list" else "").join(map(_runs, inside))


def _text(part: Any) -> str:
    return str(part.get("text", "")) if isinstance(part, dict) else str(part or "")


def _list(part: JSON, name: str) -> list[Any]:
    found = part.get(name)
    return found if isinstance(found, list) else []


def _weight(part: Any) -> int:
    """The characters of all texts in a part."""
    if isinstance(part, dict):
        return sum(
            len(value) if name == "text" and isinstance(value, str) else _weight(value) for name, value in part.items()
        )
    return sum(map(_weight, part)) if isinstance(part, list) else 0
