"""What a run asks of a model, and what it hears back. Streaming only.

A request holds neutral items; each model turns them into its provider's form. A turn's reasoning
travels back as `OwnItems`, opaque to everyone but the model that wrote them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from bot.assistants.types import JSON, Author, ErrorCode, ToolChoice, Usage


@dataclass(frozen=True, slots=True)
class UserText:
    """What a person said. Providers have no field for a speaker's id, so `spoken` puts it into the text."""

    text: str
    author: Author | None = None

    @property
    def spoken(self) -> str:
        """The text under a line that names its author, for models that see text only."""
        if self.author is None:
            return self.text
        name = " ".join(self.author.name.split())
        return f"{name} ({self.author.id}):\n{self.text}"


@dataclass(frozen=True, slots=True)
class AssistantText:
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function call of the model: `arguments` is the JSON text as it wrote it, valid or not."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class CallOutput:
    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class OwnItems:
    """A turn of this run in the provider's own words (reasoning, text and calls), with a neutral copy.

    A model that does not know `provider` sends `neutral` instead.
    """

    provider: str
    items: Sequence[JSON]
    neutral: Sequence[AssistantText | Call]


Item = UserText | AssistantText | Call | CallOutput | OwnItems


@dataclass(frozen=True, slots=True)
class FunctionTool:
    """A function the model may call; `parameters` is a JSON Schema object."""

    name: str
    description: str
    parameters: JSON
    strict: bool = False


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One model call. The same thread gives the same `cache_key`, and a prefix that only grows."""

    model: str
    instructions: str
    items: Sequence[Item]
    tools: Sequence[FunctionTool] = ()
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool = True
    response_format: str | JSON | None = None
    """`"auto"`, or `{"type": …}`: `text`, `json_object` or `json_schema` (with `json_schema` beside it)."""
    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    cache_key: str | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class TextDiscarded:
    """The stream broke and begins anew: what it had said so far in this turn no longer holds."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The last event of a stream that came to its end."""

    text: str
    calls: Sequence[Call] = ()
    usage: Usage = field(default_factory=Usage)
    finish: Literal["stop", "length", "content_filter"] = "stop"
    items: Sequence[JSON] = ()
    provider: str = ""
    refused: bool = False
    """`text` is the model's own refusal (or empty, where it gave no words)."""


ModelEvent = TextDelta | TextDiscarded | Turn


class ModelError(Exception):
    """A model call that failed.

    `code` and `sentence` are for the run's `last_error`; `sentence` is what the person reads and says what
    to do. `detail` is for the log. `retry_after` is in seconds, where the server named it.
    """

    def __init__(
        self,
        sentence: str,
        *,
        code: ErrorCode = "server_error",
        retryable: bool = False,
        retry_after: float | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(detail or sentence)
        self.sentence = sentence
        self.code: ErrorCode = code
        self.retryable = retryable
        self.retry_after = retry_after
        self.detail = detail


class Model(Protocol):
    """A model endpoint. One instance serves every run of the process."""

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Text deltas as they come, then exactly one `Turn`.

        Raises `ModelError`. It does not retry: `bot.models.retry` does, for every model alike.
        """
        ...

    async def check(self, model: str) -> str:
        """One sentence that says the endpoint answers and knows `model`, for `parley doctor`. Raises `ModelError`."""
        ...

    async def close(self) -> None: ...
