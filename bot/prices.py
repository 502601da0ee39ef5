"""Prices: what the operator says that models cost, and what the tokens of a run come to by that.

The file is TOML; prices are for a million tokens, and input that the provider had cached may have one of its own:

    currency = "USD"

    [models."gpt-5.4-mini"]
    input = 0.25
    cached_input = 0.025
    output = 2.0
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.assistants.types import Usage
from bot.errors import ParleyError

MILLION = 1_000_000
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
KEYS = ("input", "cached_input", "output")
FORM = 'write [models."NAME"] with input and output, the prices of a million tokens'


class BadPrices(ParleyError, ValueError):
    """The file of prices cannot be used; the sentence goes on after the name of its setting."""


@dataclass(frozen=True, slots=True)
class Price:
    """Of a million tokens."""

    input: float
    cached_input: float
    output: float

    def of(self, usage: Usage) -> float:
        """Cached tokens are among those of the prompt."""
        cached = min(usage.cached_tokens, usage.prompt_tokens)
        cost = (usage.prompt_tokens - cached) * self.input + cached * self.cached_input
        return (cost + usage.completion_tokens * self.output) / MILLION


@dataclass(frozen=True, slots=True)
class Prices:
    models: Mapping[str, Price] = field(default_factory=dict)
    """By name; without any, nothing is said of money."""
    currency: str = "USD"

    def __bool__(self) -> bool:
        return bool(self.models)

    def cost(self, model: str, usage: Usage) -> float | None:
        """What it comes to; None for a model without a price.

        A model goes by its own name or else by the longest listed one that it begins with: `gpt-5.4-mini` is the price
        of `gpt-5.4-mini-2026-03-17`, too.
        """
        price = self._price(model)
        return None if price is None else price.of(usage)

    def said(self, amount: float) -> str:
        """An amount as people read it, such as `$0.42`."""
        if 0 < amount < 0.005:
            return f"under {self.said(0.01)}"
        figure = f"{amount:,.2f}"
        return f"{SIGNS[self.currency]}{figure}" if self.currency in SIGNS else f"{figure} {self.currency}"

    def _price(self, model: str) -> Price | None:
        if model in self.models:
            return self.models[model]
        known = [name for name in self.models if model.startswith(f"{name}-")]
        return self.models[max(known, key=len)] if known else None


def read(path: Path) -> Prices:
    """Raises `BadPrices` with the first mistake."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError:
        raise BadPrices(
            f"names {path}, which is no file; write the path of a file of prices, or leave it out"
        ) from None
    except UnicodeDecodeError:
        raise BadPrices(f"names {path}, which is not in UTF-8; write it anew as text") from None
    except tomllib.TOMLDecodeError as error:
        said = " ".join(str(error).split()).rstrip(".")
        raise BadPrices(f"names {path}, which is no TOML: {said}; {FORM}") from None
    try:
        return _checked(given)
    except BadPrices as error:
        raise BadPrices(f"names {path}, {error}") from None


def _checked(given: Mapping[str, Any]) -> Prices:
    if unknown := sorted(given.keys() - {"currency", "models"}):
        raise BadPrices(f"which has “{unknown[0]}”, and that is nothing Parley knows; {FORM}")
    currency, models = given.get("currency", "USD"), given.get("models", {})
    if not isinstance(currency, str) or not re.fullmatch("[A-Z]{3}", currency):
        raise BadPrices('whose currency has no code of three capital letters; write one, as currency = "USD"')
    if not isinstance(models, dict) or not models:
        raise BadPrices(f"which has a price for no model; {FORM}")
    return Prices({name: _price(name, price) for name, price in models.items()}, currency)


def _price(name: str, given: Any) -> Price:
    if not isinstance(given, dict):
        raise BadPrices(f"where “{name}” is no table of prices; {FORM}")
    if any(isinstance(value, dict) for value in given.values()):
        raise BadPrices(f'where a name with “{name}.” is not in quotes; write it as [models."{name}.…"]')
    if unknown := sorted(given.keys() - set(KEYS)):
        raise BadPrices(f"where “{name}” has “{unknown[0]}”; write {', '.join(KEYS)} and nothing else")
    for key in ("input", "output"):
        if key not in given:
            raise BadPrices(f"where “{name}” has no {key}; write the price of a million tokens, as {key} = 2.0")
    for key, value in given.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value < 0:
            raise BadPrices(f"where {key} of “{name}” is no price; write a number, 0 or more, as {key} = 2.0")
    of_input, of_output = float(given["input"]), float(given["output"])
    return Price(of_input, float(given.get("cached_input", of_input)), of_output)
