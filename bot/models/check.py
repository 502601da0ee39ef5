"""Asks a model endpoint whether it answers and knows a model, without generating (or paying for) anything.

`GET /models/{model}` says it outright: https://platform.openai.com/docs/api-reference/models/retrieve. Compatible
servers may only list their models, or not even that; Azure lists base models, not deployments.
"""

from __future__ import annotations

import openai

from bot.models.failures import failure, translated, unknown_model
from bot.models.port import ModelError

_NOT_OFFERED = (404, 405, 501)


async def check(client: openai.AsyncOpenAI, model: str) -> str:
    """One sentence for `parley doctor`. Raises `ModelError` where the endpoint does not answer or lacks the model."""
    place = f"The model endpoint at {client.base_url.host}"
    try:
        await client.models.retrieve(model)
    except openai.APIStatusError as error:
        if error.status_code not in _NOT_OFFERED:
            raise failure(error, model) from error
    except openai.OpenAIError as error:
        raise failure(error, model) from error
    else:
        return f"{place} answers and knows '{model}'."
    offered = await _listed(client, model)
    if model in offered or f"{model}:latest" in offered:
        return f"{place} answers and knows '{model}'."
    if not offered:
        return f"{place} answers but lists no models, so '{model}' is tried out with the first message."
    if isinstance(client, openai.AsyncAzureOpenAI) or "api-key" in client.default_headers:
        return f"{place} answers; Azure does not list deployments, so '{model}' is tried out with the first message."
    kind = unknown_model(model)
    some = ", ".join(sorted(offered)[:5]) + (", …" if len(offered) > 5 else "")
    raise ModelError(f"{kind.sentence} It offers: {some}.", code=kind.code)


async def _listed(client: openai.AsyncOpenAI, model: str) -> set[str]:
    """The ids of the endpoint's models; none where it does not tell."""
    with translated(model):
        try:
            page = await client.models.list()
        except openai.APIStatusError as error:
            if error.status_code not in _NOT_OFFERED:
                raise
            return set()
    return {entry.id for entry in page.data or () if isinstance(getattr(entry, "id", None), str)}
