"""The tokens that a server says a model call took: both APIs count the same things under other names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.assistants.types import JSON, Usage


def counted(usage: JSON, prompt: str, completion: str) -> Usage:
    """`prompt` and `completion` name the fields of `usage`. Zeros for what the server does not count."""
    total = _count(usage.get("total_tokens"))
    used, written = _count(usage.get(prompt)), _count(usage.get(completion))
    return Usage(
        prompt_tokens=used,
        completion_tokens=written,
        total_tokens=total or used + written,
        cached_tokens=_detail(usage, prompt, "cached_tokens"),
        reasoning_tokens=_detail(usage, completion, "reasoning_tokens"),
    )


def _detail(usage: JSON, of: str, name: str) -> int:
    details = usage.get(f"{of}_details")
    return _count(details.get(name)) if isinstance(details, Mapping) else 0


def _count(value: Any) -> int:
    return int(value) if isinstance(value, int) or (isinstance(value, float) and value.is_integer()) else 0
