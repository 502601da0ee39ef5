"""Builds the model that the settings describe: OpenAI, a compatible server, Azure OpenAI, or the demo.

The SDK's own retries are off (`bot.models.retry` does them), and what the settings decide is passed explicitly, so
that no other environment variable changes where requests go. OpenAI itself also hears what the SDK takes from
`OPENAI_ORG_ID`, `OPENAI_PROJECT_ID` and `OPENAI_CUSTOM_HEADERS`; Azure and servers with an address of their own do
not. Imports are inside: `openai` takes a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from bot.certificates import certificates
from bot.errors import ParleyError
from bot.models.port import Model

if TYPE_CHECKING:
    import openai

    from bot.models.embeddings import Embedder

OPENAI_URL = "https://api.openai.com/v1"
CONNECT_TIMEOUT, READ_TIMEOUT = 10.0, 120.0
"""Seconds. The latter holds between two pieces of a stream, not for the whole of it."""
NO_KEY = "none"
"""Sent to servers that need no key: the SDK insists on one."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the model is. The fields are the settings `OPENAI_API`, `OPENAI_API_KEY` and so on."""

    api: Literal["responses", "chat"] = "responses"
    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    azure_endpoint: str | None = None
    azure_api_key: str | None = field(default=None, repr=False)
    api_version: str | None = None


def connect(endpoint: Endpoint) -> Model:
    """The model; nothing is sent yet. Close it with `await model.close()`.

    Azure wins over a base URL, and that over OpenAI itself. Raises `ParleyError` where Azure's key is missing.
    """
    if not (endpoint.azure_endpoint or endpoint.base_url or endpoint.api_key):
        from bot.models.demo import DemoModel

        return DemoModel()
    client = _client(endpoint)
    if endpoint.api == "chat":
        from bot.models.chat import ChatModel

        return ChatModel(client)
    from bot.models.responses import ResponsesModel

    return ResponsesModel(client)


def connect_embedder(endpoint: Endpoint, model: str) -> Embedder:
    """What makes vectors of texts, at the same address; nothing is sent yet. Raises as `connect` does."""
    from bot.models.embeddings import Embedder

    return Embedder(_client(endpoint), model)


def _client(endpoint: Endpoint) -> openai.AsyncOpenAI:
    import openai

    options: dict[str, Any] = {
        "max_retries": 0,
        "timeout": openai.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT),
        # On aiohttp a stream costs half the CPU that it does on httpx2's own transport.
        "http_client": openai.DefaultAioHttpClient(verify=certificates()),
    }
    if endpoint.azure_endpoint:
        return _azure_client(endpoint, endpoint.azure_endpoint.rstrip("/"), options)
    if not endpoint.base_url:
        return openai.AsyncOpenAI(api_key=endpoint.api_key, base_url=OPENAI_URL, **options)
    return _secluded(openai.AsyncOpenAI(api_key=endpoint.api_key or NO_KEY, base_url=endpoint.base_url, **options))


def _azure_client(endpoint: Endpoint, address: str, options: dict[str, Any]) -> openai.AsyncOpenAI:
    """Azure's v1 form, which needs no API version, unless one is set for the older, dated form.

    https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
    """
    import openai

    key = endpoint.azure_api_key
    if not key:
        raise ParleyError("AZURE_OPENAI_ENDPOINT is set, but AZURE_OPENAI_API_KEY is not. Please set both.")
    if endpoint.api_version and not address.endswith("/openai/v1"):
        resource = address.removesuffix("/openai")
        version = endpoint.api_version
        return _secluded(openai.AsyncAzureOpenAI(azure_endpoint=resource, api_key=key, api_version=version, **options))
    base_url = f"{address.removesuffix('/openai/v1').removesuffix('/openai')}/openai/v1/"
    return _secluded(openai.AsyncOpenAI(base_url=base_url, api_key=key, **options), {"api-key": key})


def _secluded(client: openai.AsyncOpenAI, headers: Mapping[str, str] | None = None) -> openai.AsyncOpenAI:
    """`client` with no headers but `headers`, and without the organisation and project that the environment names.

    The constructor takes None for "look into the environment" and would send an empty text as an empty header; what
    it adds from `OPENAI_CUSTOM_HEADERS` no argument can keep out.
    """
    client.organization = client.project = None
    client._custom_headers = headers or {}
    return client
