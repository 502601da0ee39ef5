"""The fields of an assistant that admins set: how a value is said, what it may be, and how it is shown."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from bot.assistants.types import Assistant, well_formed
from bot.store.assistants import chosen_tools, with_tools
from bot.view import printable

FIELDS = ("instructions", "model", "temperature", "tools")

LONGEST_INSTRUCTIONS = 20_000
LONGEST_MODEL = 100
"""Characters."""
HOTTEST = 2.0
"""The highest temperature: https://platform.openai.com/docs/api-reference/responses/create (temperature)."""
LONGEST_RECORDED = 200
"""Characters of a value that the audit record keeps."""


class Wrong(Exception):
    """Something cannot be set so. Its text says to the admin what to do."""


def with_field(assistant: Assistant, field: str, value: str, tools: Collection[str]) -> Assistant:
    """The assistant with a field set to what an admin said. `tools` are the names of all there are. Raises `Wrong`."""
    match field:
        case "instructions":
            return replace(assistant, instructions=_instructions(value))
        case "model":
            return replace(assistant, model=_model(value))
        case "temperature":
            return replace(assistant, temperature=_temperature(value))
        case "tools":
            return with_tools(assistant, _tools(value, tools))
        case _:
            said = printable(field)[:40]
            raise Wrong(f"“{said}” cannot be set. There are: {', '.join(FIELDS)}.")


def shown(assistant: Assistant, field: str) -> str:
    """The value of one of `FIELDS`, as people read it."""
    match field:
        case "instructions":
            return printable(assistant.instructions or "")
        case "model":
            return printable(assistant.model)
        case "temperature":
            return "default" if assistant.temperature is None else f"{assistant.temperature:g}"
        case _:
            names = chosen_tools(assistant)
            return "all" if names is None else ", ".join(sorted(names)) or "none"


def _instructions(value: str) -> str:
    text = well_formed(value).strip()
    if len(text) > LONGEST_INSTRUCTIONS:
        raise Wrong(f"Instructions may have {LONGEST_INSTRUCTIONS:,} characters. These have {len(text):,}.")
    return text


def _model(value: str) -> str:
    if len(value) > LONGEST_MODEL or not re.fullmatch(r"[!-~]+", value):
        raise Wrong("A model is named by one word without blanks, as the model's provider names it.")
    return value


def _temperature(value: str) -> float | None:
    if value.lower() == "default":
        return None
    if not re.fullmatch(r"\d{1,2}(\.\d{1,6})?", value, re.ASCII) or float(value) > HOTTEST:
        raise Wrong(f"A temperature is a number from 0 to {HOTTEST:g}, or “default” for the model's own.")
    return float(value)


def _tools(value: str, known: Collection[str]) -> Collection[str] | None:
    names = list(dict.fromkeys(value.replace(",", " ").split()))
    match [name.lower() for name in names]:
        case ["all"]:
            return None
        case ["none"]:
            return []
    choice = f"Say “all”, “none” or some of: {', '.join(known)}."
    if unknown := [f"“{printable(name)[:64]}”" for name in names if name not in known]:
        raise Wrong(f"There is no tool {', '.join(unknown[:5])}. {choice}")
    if not names:
        raise Wrong(choice)
    return names
