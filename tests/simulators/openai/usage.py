"""Plausible token counts: four characters a token, and a prompt cache for prefixes that come again."""

from __future__ import annotations

import json
from itertools import takewhile

from tests.simulators.openai.requests import JSON, Request
from tests.simulators.openai.script import Turn, arguments

REASONING_TOKENS = 64
LEAST_CACHED, CACHE_STEP = 1024, 128
"""https://platform.openai.com/docs/guides/prompt-caching"""


class Meter:
    """Counts one call after another; calls with the same `prompt_cache_key` share a cache."""

    def __init__(self) -> None:
        self._prompts: dict[str, str] = {}

    def count(self, request: Request, turn: Turn) -> tuple[int, int, int, int]:
        """Prompt, cached, completion and reasoning tokens."""
        prompt = json.dumps([request.body.get("tools"), request.body.get("instructions"), list(request.items)])
        key = str(request.body.get("prompt_cache_key"))
        before = self._prompts.get(key, "")
        known = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, prompt, strict=False))) // 4
        self._prompts[key] = prompt
        cached = known - known % CACHE_STEP if known >= LEAST_CACHED else 0
        reasoning = REASONING_TOKENS if turn.reasoning else 0
        written = turn.said + "".join(name + arguments(given) for name, given in turn.calls)
        return len(prompt) // 4, cached, reasoning + -(-len(written) // 4), reasoning


def responses_usage(counts: tuple[int, int, int, int]) -> JSON:
    prompt, cached, completion, reasoning = counts
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": prompt + completion,
    }


def chat_usage(counts: tuple[int, int, int, int]) -> JSON:
    prompt, cached, completion, reasoning = counts
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": 0},
    }
