"""What requests hold, field by field: https://platform.openai.com/docs/api-reference/assistants."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from bot.api.body import Body, Metadata, Text

Temperature = Annotated[float, Field(ge=0, le=2)]
TopP = Annotated[float, Field(ge=0, le=1)]
Model = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Instructions = Annotated[Text, StringConstraints(max_length=256_000)]
FunctionName = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[a-zA-Z0-9_-]+$")]
Id = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Tokens = Annotated[int, Field(ge=256, le=2**31 - 1)]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]

# -- tools ------------------------------------------------------------------------------------------------------------


class CodeInterpreter(Body):
    type: Literal["code_interpreter"]


class RankingOptions(Body):
    ranker: Literal["auto", "default_2024_08_21"] | None = None
    score_threshold: Annotated[float, Field(ge=0, le=1)] | None = None


class FileSearchOptions(Body):
    max_num_results: Annotated[int, Field(ge=1, le=50)] | None = None
    ranking_options: RankingOptions | None = None


class FileSearch(Body):
    type: Literal["file_search"]
    file_search: FileSearchOptions | None = None


class Function(Body):
    name: FunctionName
    description: Text | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(Body):
    type: Literal["function"]
    function: Function


Tool = Annotated[CodeInterpreter | FileSearch | FunctionTool, Field(discriminator="type")]
Tools = Annotated[list[Tool], Field(max_length=128)]


class NamedFunction(Body):
    name: FunctionName


class NamedTool(Body):
    type: Literal["function", "code_interpreter", "file_search"]
    function: NamedFunction | None = None

    @model_validator(mode="after")
    def _whole(self) -> NamedTool:
        if (self.type == "function") != (self.function is not None):
            raise ValueError("a function, and nothing else, is named by 'function'")
        return self


ToolChoice = Literal["none", "auto", "required"] | NamedTool

# -- resources --------------------------------------------------------------------------------------------------------


class StaticChunking(Body):
    max_chunk_size_tokens: Annotated[int, Field(ge=100, le=4096)]
    chunk_overlap_tokens: Annotated[int, Field(ge=0, le=2048)]

    @model_validator(mode="after")
    def _whole(self) -> StaticChunking:
        if 2 * self.chunk_overlap_tokens > self.max_chunk_size_tokens:
            raise ValueError("'chunk_overlap_tokens' must not exceed half of 'max_chunk_size_tokens'")
        return self


class ChunkingStrategy(Body):
    type: Literal["auto", "static"]
    static: StaticChunking | None = None

    @model_validator(mode="after")
    def _whole(self) -> ChunkingStrategy:
        if (self.type == "static") != (self.static is not None):
            raise ValueError("a static strategy, and no other, has 'static'")
        return self


class NewStore(Body):
    file_ids: Annotated[list[Id], Field(max_length=10_000)] = Field(default_factory=list)
    chunking_strategy: ChunkingStrategy | None = None
    metadata: Metadata | None = None


class CodeResources(Body):
    file_ids: Annotated[list[Id], Field(max_length=20)] = Field(default_factory=list)


class SearchResources(Body):
    vector_store_ids: Annotated[list[Id], Field(max_length=1)] | None = None
    vector_stores: Annotated[list[NewStore], Field(max_length=1)] | None = None

    @model_validator(mode="after")
    def _one(self) -> SearchResources:
        if self.vector_store_ids and self.vector_stores:
            raise ValueError("give 'vector_store_ids' or 'vector_stores', not both")
        return self


class ToolResources(Body):
    code_interpreter: CodeResources | None = None
    file_search: SearchResources | None = None


# -- the form of answers ----------------------------------------------------------------------------------------------


class JsonSchema(Body):
    name: FunctionName
    description: Text | None = None
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None


class ResponseFormat(Body):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None

    @model_validator(mode="after")
    def _whole(self) -> ResponseFormat:
        if (self.type == "json_schema") != (self.json_schema is not None):
            raise ValueError("the type 'json_schema', and no other, has 'json_schema'")
        return self


Format = Literal["auto"] | ResponseFormat

# -- assistants -------------------------------------------------------------------------------------------------------


class _AssistantFields(Body):
    name: Annotated[Text, StringConstraints(max_length=256)] | None = None
    description: Annotated[Text, StringConstraints(max_length=512)] | None = None
    instructions: Instructions | None = None
    reasoning_effort: Effort | None = None
    tools: Tools | None = None
    tool_resources: ToolResources | None = None
    metadata: Metadata | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    response_format: Format | None = None


class NewAssistant(_AssistantFields):
    model: Model


class ChangedAssistant(_AssistantFields):
    model: Model | None = None


# -- messages ---------------------------------------------------------------------------------------------------------

Detail = Literal["auto", "low", "high"]


class TextPart(Body):
    type: Literal["text"]
    text: Annotated[Text, StringConstraints(max_length=256_000)]


class ImageFile(Body):
    file_id: Id
    detail: Detail = "auto"


class ImageFilePart(Body):
    type: Literal["image_file"]
    image_file: ImageFile


class ImageUrl(Body):
    url: Annotated[Text, StringConstraints(max_length=8_192, pattern=r"^https?://")]
    detail: Detail = "auto"


class ImageUrlPart(Body):
    type: Literal["image_url"]
    image_url: ImageUrl


Part = Annotated[TextPart | ImageFilePart | ImageUrlPart, Field(discriminator="type")]


class AttachmentTool(Body):
    type: Literal["code_interpreter", "file_search"]


class Attachment(Body):
    file_id: Id
    tools: Annotated[list[AttachmentTool], Field(max_length=100)] = Field(default_factory=list)


class NewMessage(Body):
    role: Literal["user", "assistant"]
    content: (
        Annotated[Text, StringConstraints(min_length=1, max_length=256_000)]
        | Annotated[list[Part], Field(min_length=1, max_length=500)]
    )
    attachments: Annotated[list[Attachment], Field(max_length=100)] | None = None
    metadata: Metadata | None = None


class Described(Body):
    """A change of the metadata, and of nothing else."""

    metadata: Metadata | None = None


# -- threads ----------------------------------------------------------------------------------------------------------


class NewThread(Body):
    messages: Annotated[list[NewMessage], Field(max_length=100)] = Field(default_factory=list)
    tool_resources: ToolResources | None = None
    metadata: Metadata | None = None


class ChangedThread(Body):
    tool_resources: ToolResources | None = None
    metadata: Metadata | None = None


# -- runs -------------------------------------------------------------------------------------------------------------


class Truncation(Body):
    type: Literal["auto", "last_messages"]
    last_messages: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Truncation:
        if (self.type == "last_messages") != (self.last_messages is not None):
            raise ValueError("the type 'last_messages', and no other, has 'last_messages'")
        return self


class RunFields(Body):
    """What every way to make a run takes."""

    assistant_id: Id
    model: Model | None = None
    instructions: Instructions | None = None
    tools: Tools | None = None
    metadata: Metadata | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    stream: bool | None = None
    max_prompt_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    truncation_strategy: Truncation | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: Format | None = None


class NewRun(RunFields):
    reasoning_effort: Effort | None = None
    additional_instructions: Instructions | None = None
    additional_messages: Annotated[list[NewMessage], Field(max_length=100)] | None = None


class NewThreadAndRun(RunFields):
    thread: NewThread = NewThread()
    tool_resources: ToolResources | None = None


class ToolOutput(Body):
    tool_call_id: Id
    output: Annotated[Text, StringConstraints(max_length=512_000)] = ""


class ToolOutputs(Body):
    tool_outputs: Annotated[list[ToolOutput], Field(max_length=128)]
    stream: bool | None = None


# -- vector stores ----------------------------------------------------------------------------------------------------

MOST_IN_BATCH = 2_000


class LastsAfter(Body):
    anchor: Literal["last_active_at"]
    days: Annotated[int, Field(ge=1, le=365)]


class NewVectorStore(NewStore):
    """The description is taken and not kept: no object shows it."""

    name: Annotated[Text, StringConstraints(max_length=256)] | None = None
    description: Annotated[Text, StringConstraints(max_length=512)] | None = None
    expires_after: LastsAfter | None = None


class ChangedVectorStore(Body):
    name: Annotated[Text, StringConstraints(max_length=256)] | None = None
    expires_after: LastsAfter | None = None
    metadata: Metadata | None = None


Number = Annotated[int, Field(ge=-(2**53), le=2**53)] | Annotated[float, Field(allow_inf_nan=False)]
AttributeValue = Annotated[Text, StringConstraints(max_length=512)] | bool | Number
AttributeKey = Annotated[Text, StringConstraints(max_length=64)]
Attributes = Annotated[dict[AttributeKey, AttributeValue], Field(max_length=16)]


class NewStoreFile(Body):
    file_id: Id
    attributes: Attributes | None = None
    chunking_strategy: ChunkingStrategy | None = None


class ChangedStoreFile(Body):
    attributes: Attributes | None


class NewBatch(Body):
    file_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_IN_BATCH)] | None = None
    files: Annotated[list[NewStoreFile], Field(min_length=1, max_length=MOST_IN_BATCH)] | None = None
    attributes: Attributes | None = None
    chunking_strategy: ChunkingStrategy | None = None

    @model_validator(mode="after")
    def _one(self) -> NewBatch:
        if (self.file_ids is None) == (self.files is None):
            raise ValueError("give either 'file_ids' or 'files'")
        return self
