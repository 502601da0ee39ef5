"""Asks a model endpoint whether it answers and knows a model, without generating (or paying for) anything.

`GET /models/{model}` says it outright: https://platform.openai.com/docs/api-reference/models/retrieve. Compatible
servers may only list their models, or not even that; Azure lists base models, not deployments. Some web servers
answer every address with a page, so that only what has the API's form counts as an answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any

import openai

from bot.models.failures import translated, unknown_model
from bot.models.port import ModelError

_NOT_OFFERED = (405, 501)


async def check(client: openai.AsyncOpenAI, model: str) -> str:
    """One sentence for `parley doctor`. Raises `ModelError` where the endpoint does not answer or lacks the model."""
    place = f"The model endpoint at {client.base_url.host}"
    models = client.models.with_raw_response
    if _id(await _answer(models.retrieve(model), model)):
        return f"{place} answers and knows '{model}'."
    offered = _listed(await _answer(models.list(), model))
    if offered is None:
        raise ModelError(_nothing_there(client))
    if model in offered or f"{model}:latest" in offered:
        return f"{place} answers and knows '{model}'."
    if not offered:
        return f"{place} answers but lists no models, so '{model}' is tried out with the first message."
    if _is_azure(client):
        return f"{place} answers; Azure does not list deployments, so '{model}' is tried out with the first message."
    kind = unknown_model(model)
    some = ", ".join(sorted(offered)[:5]) + (", …" if len(offered) > 5 else "")
    raise ModelError(f"{kind.sentence} It offers: {some}.", code=kind.code)


async def _answer(request: Awaitable[Any], model: str) -> Any:
    """The JSON of an answer; None where there is none. A server that says it does not offer this gives an empty list.

    Raises `ModelError` for every other error.
    """
    with translated(model):
        try:
            return (await request).http_response.json()
        except openai.APIStatusError as error:
            if error.status_code in _NOT_OFFERED:
                return []
            if error.status_code != 404:
                raise
        except ValueError:  # a page that is no JSON, or a name that cannot stand in an address
            pass
    return None


def _id(entry: Any) -> str | None:
    """The id of a model; None for anything else, such as an error that came with status 200."""
    if not isinstance(entry, Mapping) or entry.get("error"):
        return None
    id_ = entry.get("id")
    return id_ if isinstance(id_, str) and id_ else None


def _listed(page: Any) -> set[str] | None:
    """The ids on a page of models, which is a list or has one as `data`; None where it is no such page."""
    if isinstance(page, Mapping) and "data" in page and not page.get("error"):
        page = page["data"] or []
    if not isinstance(page, list):
        return None
    return {id_ for entry in page if (id_ := _id(entry))}


def _nothing_there(client: openai.AsyncOpenAI) -> str:
    url = client.base_url
    address = f"{url.scheme}://{url.netloc.decode()}{url.path}".rstrip("/")
    asked = "" if address.endswith("/v1") or _is_azure(client) else " Should it end in /v1?"
    return f"Nothing of the OpenAI API answers at {address}. Please check the address.{asked}"


def _is_azure(client: openai.AsyncOpenAI) -> bool:
    return isinstance(client, openai.AsyncAzureOpenAI) or "api-key" in client.default_headers
