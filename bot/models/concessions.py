"""What a server turned out not to understand, remembered for each model, so that the next request leaves it out.

Compatible servers lack optional parameters, and refuse a request that has one with 400 or 422 and its name. The
request is then sent again without it. Only what a server accepted in the end is remembered.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import openai
import structlog

from bot.models.failures import words

Answer = TypeVar("Answer")
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
    ) -> Answer:
        """Post what `build(left out)` gives, leaving out one more parameter each time the server refuses one.

        Raises what `post` raises, once there is nothing left to leave out.
        """
        known = without = self._without.get(model, frozenset())
        while True:
            try:
                answer = await post(build(without))
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                refused = self._refused(error, without)
                if refused is None:
                    raise
                without |= {refused}
            else:
                if without != known:
                    self._without[model] = self._without.get(model, frozenset()) | without
                    log.info("model_parameters_left_out", model=model, parameters=sorted(without))
                return answer

    def _refused(self, error: openai.APIStatusError, without: frozenset[str]) -> str | None:
        if error.code == "context_length_exceeded":
            return None
        said = f"{error.param} {words(error)}"
        candidates = (name for name in self._optional if name not in without)
        return next((name for name in candidates if re.search(rf"\b{re.escape(name)}\b", said)), None)
