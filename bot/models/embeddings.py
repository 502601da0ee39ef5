"""Vectors of texts, from the embeddings endpoint of the models' server.

https://platform.openai.com/docs/api-reference/embeddings/create
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.models.failures import broken, translated

if TYPE_CHECKING:
    import openai

AT_ONCE = 64
"""Texts of one request: it may have 2,048, and 300,000 tokens, which passages of 1,600 characters are far from."""


@dataclass(frozen=True, slots=True)
class Embedder:
    """Vectors of one model. Close its client with `close`."""

    client: openai.AsyncOpenAI
    model: str

    async def embed(self, texts: Sequence[str]) -> list[bytes]:
        """A vector of length 1 for each text, as float32 in the machine's order. Raises `ModelError`."""
        with translated(self.model):
            answer = await self.client.embeddings.create(model=self.model, input=list(texts), encoding_format="float")
        numbers = [one.embedding for one in sorted(answer.data, key=lambda one: one.index)]
        if len(numbers) != len(texts) or len({len(one) for one in numbers}) > 1:
            raise broken("not a vector for each text")
        return await asyncio.to_thread(_vectors, numbers)

    async def close(self) -> None:
        await self.client.close()


def _vectors(numbers: Sequence[Sequence[float]]) -> list[bytes]:
    import numpy as np

    made: Any = np.asarray(numbers, dtype=np.float32)
    lengths = np.linalg.norm(made, axis=1, keepdims=True)
    return [row.tobytes() for row in made / np.maximum(lengths, 1e-12)]
