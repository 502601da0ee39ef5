"""What a file of exported objects holds, as Parley keeps it: assistants, threads and messages under their own ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from bot.api import exported, forms
from bot.api.assistants import response_format, written
from bot.api.body import Body, Metadata, Text, checked
from bot.api.errors import ApiError
from bot.api.exported import ASSISTANT, MESSAGE, THREAD, Exported, NotImportable
from bot.assistants.types import Assistant, File, Message, MessageReason, MessageStatus, Thread

# -- the objects as they were returned -----------------------------------------------------------------------------

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
At = Annotated[float, Field(ge=0, le=1e11)]


class _Object(Body):
    """What Parley does not know of an object is left out."""

    model_config = ConfigDict(extra="ignore")


class _Code(_Object):
    type: Literal["code_interpreter"]


class _Ranking(_Object):
    ranker: Text | None = None
    score_threshold: Annotated[float, Field(ge=0, le=1)] | None = None


class _SearchOptions(_Object):
    max_num_results: Annotated[int, Field(ge=1, le=50)] | None = None
    ranking_options: _Ranking | None = None


class _Search(_Object):
    type: Literal["file_search"]
    file_search: _SearchOptions | None = None


class _Function(_Object):
    name: forms.FunctionName
    description: Text | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class _FunctionTool(_Object):
    type: Literal["function"]
    function: _Function


class _Files(_Object):
    file_ids: list[Id] | None = None


class _Stores(_Object):
    vector_store_ids: list[Id] | None = None


class _Resources(_Object):
    code_interpreter: _Files | None = None
    file_search: _Stores | None = None


class _Assistant(_Object):
    id: Id
    created_at: At
    model: forms.Model
    name: Text | None = None
    description: Text | None = None
    instructions: Text | None = None
    tools: list[Annotated[_Code | _Search | _FunctionTool, Field(discriminator="type")]] | None = None
    tool_resources: _Resources | None = None
    metadata: Metadata | None = None
    temperature: forms.Temperature | None = None
    top_p: forms.TopP | None = None
    response_format: forms.Format | None = None


class _Thread(_Object):
    id: Id
    created_at: At
    metadata: Metadata | None = None
    tool_resources: _Resources | None = None


class _Said(_Object):
    value: Text
    annotations: list[dict[str, Any]] | None = None


class _TextPart(_Object):
    type: Literal["text"]
    text: Text | _Said


class _Refusal(_Object):
    type: Literal["refusal"]
    refusal: Text


class _ImageFile(_Object):
    file_id: Text


class _ImageFilePart(_Object):
    type: Literal["image_file"]
    image_file: _ImageFile


class _ImageUrl(_Object):
    url: Text


class _ImageUrlPart(_Object):
    type: Literal["image_url"]
    image_url: _ImageUrl


Part = Annotated[_TextPart | _Refusal | _ImageFilePart | _ImageUrlPart, Field(discriminator="type")]


class _Attachment(_Object):
    file_id: Text | None = None
    tools: list[dict[str, Any]] | None = None


class _Details(_Object):
    reason: MessageReason


class _Message(_Object):
    id: Id
    thread_id: Id
    created_at: At
    role: Literal["user", "assistant"]
    content: Text | list[Part]
    status: MessageStatus | None = None
    completed_at: At | None = None
    incomplete_at: At | None = None
    incomplete_details: _Details | None = None
    assistant_id: Id | None = None
    attachments: list[_Attachment] | None = None
    metadata: Metadata | None = None


# -- as Parley keeps them ------------------------------------------------------------------------------------------


def _assistant(value: Mapping[str, Any]) -> Assistant:
    form = checked(value, _Assistant)
    given = form.given()
    return Assistant(
        id=form.id,
        created_at=form.created_at,
        model=form.model,
        name=form.id,
        title=form.name,
        description=form.description,
        instructions=form.instructions,
        tools=[written(tool) for tool in given.get("tools") or ()],
        response_format=response_format(given.get("response_format")),
        temperature=form.temperature,
        top_p=form.top_p,
        tool_resources=_resources(given),
        metadata=form.metadata or {},
    )


def _thread(value: Mapping[str, Any]) -> Thread:
    form = checked(value, _Thread)
    return Thread(form.id, form.created_at, form.metadata or {}, _resources(form.given()))


def _resources(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is named of files and vector stores; nothing where nothing is."""
    named = {tool: of for tool, of in (given.get("tool_resources") or {}).items() if of}
    return named or None


def _message(value: Mapping[str, Any]) -> Message:
    form = checked(value, _Message)
    blocks, text = _content(value["content"])
    # A lone text without annotations is what `Message.content` makes of the text itself.
    plain = len(blocks) == 1 and blocks[0] == {"type": "text", "text": {"value": text, "annotations": []}}
    broken_off = form.status == "in_progress"  # nobody goes on writing it
    incomplete_at = form.created_at if broken_off and form.incomplete_at is None else form.incomplete_at
    details = form.incomplete_details
    return Message(
        id=form.id,
        thread_id=form.thread_id,
        created_at=form.created_at,
        role=form.role,
        text=text,
        status="incomplete" if broken_off else form.status or "completed",
        attachments=[dict(one) for one in value.get("attachments") or ()],
        assistant_id=form.assistant_id,
        completed_at=form.completed_at,
        incomplete_at=incomplete_at,
        incomplete_reason=details.reason if details else "run_cancelled" if broken_off else None,
        metadata=form.metadata or {},
        files=_images(blocks) if form.role == "user" else (),
        blocks=None if plain else blocks,
    )


def _content(given: str | Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """The content blocks, and the text of them all."""
    if isinstance(given, str):
        given = [{"type": "text", "text": given}]
    blocks: list[dict[str, Any]] = []
    said: list[str] = []
    for block in map(dict, given):
        if block["type"] == "text":
            text = {"value": block["text"]} if isinstance(block["text"], str) else dict(block["text"])
            block["text"] = {**text, "annotations": text.get("annotations") or []}
            said.append(text["value"])
        elif block["type"] == "refusal":
            said.append(block["refusal"])
        blocks.append(block)
    return blocks, "\n\n".join(said)


def _images(blocks: Sequence[Mapping[str, Any]]) -> Sequence[File]:
    return [_image_at(block["image_url"]["url"]) for block in blocks if block["type"] == "image_url"]


def _image_at(url: str) -> File:
    """An image that the model fetches itself."""
    return File(url.partition("?")[0].rstrip("/").rpartition("/")[2][:64] or "image", "image/*", 0, url=url)


# -- all of a file -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Parcel:
    """What a file holds."""

    assistants: dict[str, Assistant] = field(default_factory=dict)
    threads: dict[str, Thread] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    """Where in the file an object stands, by its id."""
    doubled: Counter[str] = field(default_factory=Counter)
    """How many objects of a kind stand in it once more."""
    others: Counter[str] = field(default_factory=Counter)
    """How many objects there are of kinds that are not imported."""

    def take(self, one: Exported) -> None:
        if one.kind == ASSISTANT:
            self._keep(self.assistants, _assistant(one.value), one)
        elif one.kind == THREAD:
            self._keep(self.threads, _thread(one.value), one)
        elif one.kind == MESSAGE:
            self._keep(self.messages, _message(one.value), one)
        else:
            self.others[one.kind] += 1

    def _keep(self, among: dict[str, Any], made: Any, one: Exported) -> None:
        self.doubled[one.kind] += made.id in among
        among.setdefault(made.id, made)
        self.places.setdefault(made.id, one.place)

    def said_in(self) -> dict[str, list[Message]]:
        """The messages of each thread in order of time."""
        found: dict[str, list[Message]] = {}
        for message in self.messages.values():
            found.setdefault(message.thread_id, []).append(message)
        return {thread_id: in_order(said) for thread_id, said in found.items()}


def in_order(said: Sequence[Message]) -> list[Message]:
    """Oldest first. Times are whole seconds: within one the order of the file counts, which the API turned round unless
    it was asked for `order=asc`.
    """
    times = [message.created_at for message in said]
    steps = [(later > earlier) - (later < earlier) for earlier, later in pairwise(times)]
    return sorted(said if sum(steps) >= 0 else reversed(said), key=lambda message: message.created_at)


def read(data: bytes) -> Parcel:
    """Raises `NotImportable` for the first thing that is wrong, with its place."""
    parcel = Parcel()
    for one in exported.objects(data):
        try:
            parcel.take(one)
        except ApiError as error:
            raise NotImportable(one.place, str(error)) from None
    if not parcel.places and not parcel.others:
        raise NotImportable("", "There is nothing in it.")
    return parcel
