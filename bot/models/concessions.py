"""What a server turned out not to understand, remembered for each model, so that the next request leaves it out.

Compatible servers lack optional parameters, and refuse a request that has one with 400 or 422 and its name. The
request is then sent again without it. Only what a server accepted in the end is remembered. Images are such a
parameter, too: a model without vision refuses them, in other words on every server.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import openai
import structlog

from bot.models.failures import words
from bot.models.images import IMAGES

Answer = TypeVar("Answer")

_BLIND = re.compile(
    r"image_url is only supported by"  # OpenAI
    r"|invalid value: .input_image"
    r"|not a multi-?modal"  # vLLM
    r"|at most 0 image"
    r"|image inputs? (?:is|are) not (?:supported|enabled)"  # llama.cpp, Mistral
    r"|mmproj|missing data required for image input"  # llama.cpp, Ollama
    r"|(?:not|n't|no endpoints found that)(?: \w+)? support"  # Ollama, LM Studio, OpenRouter
    r" (?:the )?(?:images?|image[ _](?:inputs?|url)|vision|multi-?modal)"
    r"\b(?![ _](?:formats?|types?|media|mime|sizes?|urls?))"
    r"|unknown variant .image_url"  # DeepSeek
    r"|content.{0,30} must be a string"  # Groq
    r"|content.{0,30} invalid.{0,30} allowed values: \W*text\W",
    re.IGNORECASE | re.DOTALL,
)
"""What servers say to images where the model has no vision."""
_BLIND_STATUSES = (400, 404, 415, 422, 500, 501)
"""OpenRouter says it with 404, llama.cpp with 500."""

log = structlog.get_logger(__name__)


class Concessions:
    """`optional` names the parameters that may be left out, the most telling name first."""

    def __init__(self, optional: Sequence[str]) -> None:
        self._optional = optional
        self._without: dict[str, frozenset[str]] = {}

    async def send(
        self,
        model: str,
        build: Callable[[frozenset[str]], dict[str, Any]],
        post: Callable[[dict[str, Any]], Awaitable[Answer]],
        *,
        images: bool = False,
    ) -> Answer:
        """Post what `build(left out)` gives, leaving out one more parameter each time the server refuses one.

        `images`: the request holds some, as long as they are not left out. Raises what `post` raises, once there
        is nothing left to leave out.
        """
        known = without = self._without.get(model, frozenset())
        while True:
            try:
                answer = await post(build(without))
            except openai.APIStatusError as error:
                refused = IMAGES if images and _blind(error, without) else self._refused(error, without)
                if refused is None:
                    raise
                without |= {refused}
            else:
                if without != known:
                    self._without[model] = self._without.get(model, frozenset()) | without
                    log.info("model_parameters_left_out", model=model, parameters=sorted(without))
                return answer

    def _refused(self, error: openai.APIStatusError, without: frozenset[str]) -> str | None:
        if error.status_code not in (400, 422) or error.code == "context_length_exceeded":
            return None
        said = f"{error.param} {words(error)}"
        candidates = (name for name in self._optional if name not in without)
        return next((name for name in candidates if re.search(rf"\b{re.escape(name)}\b", said)), None)


def _blind(error: openai.APIStatusError, without: frozenset[str]) -> bool:
    return IMAGES not in without and error.status_code in _BLIND_STATUSES and bool(_BLIND.search(words(error)))
