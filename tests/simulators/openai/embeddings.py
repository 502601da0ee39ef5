"""Vectors of texts: which of them are near each other is up to the test, or to the words that they share.

https://platform.openai.com/docs/api-reference/embeddings/create: at most 2,048 texts a request, none of them empty,
8,192 tokens each and 300,000 in all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import blake2b

from tests.simulators.openai.requests import JSON
from tests.simulators.openai.rules import RefusedError

Meaning = Callable[[str], Sequence[float]]

MOST, LONGEST, ALL = 2_048, 8_192, 300_000
_BYTES_A_TOKEN = 3
"""About: the simulator has no tokenizer, and counts too many rather than too few."""
_WIDTH = 64


def by_words(text: str) -> Sequence[float]:
    """Each word adds to a place of its own, of few."""
    counts = [0.0] * _WIDTH
    for word in re.findall(r"\w+", text.lower()):
        counts[blake2b(word.encode(), digest_size=2).digest()[0] % _WIDTH] += 1.0
    return counts


def embedded(body: JSON, meaning: Meaning) -> JSON:
    """The answer to a request. Raises `RefusedError`."""
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise RefusedError("'$.input' is invalid. Please check the API reference.", param="input")
    if len(texts) > MOST:
        raise RefusedError(f"'$.input' is too long: at most {MOST} texts.", param="input")
    tokens = [len(text.encode()) // _BYTES_A_TOKEN + 1 for text in texts]
    if max(tokens) > LONGEST or sum(tokens) > ALL:
        raise RefusedError(f"This model's maximum context length is {LONGEST} tokens.", param="input")
    if body.get("encoding_format", "float") != "float":
        raise RefusedError("This simulator only knows numbers.", param="encoding_format")
    data = [
        {"object": "embedding", "index": index, "embedding": list(meaning(text))} for index, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": sum(tokens), "total_tokens": sum(tokens)}
    return {"object": "list", "model": body["model"], "data": data, "usage": usage}
