"""A request for each endpoint of the API that it takes as it is. `$name` stands for an id of the world it is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PARAMETERS = {"type": "object", "properties": {"place": {"type": "string"}}}
TOOLS = [
    {"type": "code_interpreter"},
    {"type": "file_search", "file_search": {"max_num_results": 5, "ranking_options": {"score_threshold": 0.5}}},
    {"type": "function", "function": {"name": "weather", "description": "Of a place.", "parameters": PARAMETERS}},
]
METADATA = {"team": "red"}
STRATEGY = {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}}
RESOURCES = {"code_interpreter": {"file_ids": ["$file"]}, "file_search": {"vector_store_ids": ["$store"]}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "place", "schema": PARAMETERS, "strict": True}}
PARTS = [
    {"type": "text", "text": "Look."},
    {"type": "image_file", "image_file": {"file_id": "$image", "detail": "low"}},
    {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "auto"}},
]
ATTACHED = [{"file_id": "$file", "tools": [{"type": "file_search"}]}]
MESSAGE = {"role": "user", "content": "How is Oslo?", "attachments": ATTACHED, "metadata": METADATA}
RUN = {
    "assistant_id": "$assistant",
    "model": "gpt-test",
    "instructions": "Be brief.",
    "tools": TOOLS,
    "metadata": METADATA,
    "temperature": 0.5,
    "top_p": 0.5,
    "stream": False,
    "max_prompt_tokens": 10_000,
    "max_completion_tokens": 1_000,
    "truncation_strategy": {"type": "last_messages", "last_messages": 4},
    "tool_choice": {"type": "function", "function": {"name": "weather"}},
    "parallel_tool_calls": True,
    "response_format": FORMAT,
}
ASSISTANT = {
    "model": "gpt-test",
    "name": "Helper",
    "description": "It helps.",
    "instructions": "Be brief.",
    "tools": TOOLS,
    "tool_resources": RESOURCES,
    "metadata": METADATA,
    "temperature": 0.5,
    "top_p": 0.5,
    "response_format": FORMAT,
}
ATTRIBUTES = {"city": "Oslo", "year": 2026, "open": True}
FILTERS = {
    "type": "and",
    "filters": [
        {"type": "eq", "key": "city", "value": "Oslo"},
        {"type": "or", "filters": [{"type": "in", "key": "year", "value": [2026]}]},
    ],
}
SEARCH = {
    "query": "hotels",
    "max_num_results": 3,
    "filters": FILTERS,
    "ranking_options": {"ranker": "auto", "score_threshold": 0.5},
    "rewrite_query": False,
}
AFTER = {"anchor": "last_active_at", "days": 7}
STORE = {"name": "Trips", "file_ids": ["$file"], "chunking_strategy": STRATEGY, "metadata": METADATA}


@dataclass(frozen=True, slots=True)
class Good:
    method: str
    path: str
    body: Any = None


BODIES = (
    Good("POST", "/assistants", ASSISTANT),
    Good("POST", "/assistants/$assistant", ASSISTANT),
    Good("POST", "/threads", {"messages": [MESSAGE], "tool_resources": RESOURCES, "metadata": METADATA}),
    Good("POST", "/threads/$thread", {"tool_resources": RESOURCES, "metadata": METADATA}),
    Good("POST", "/threads/$thread/messages", {**MESSAGE, "content": PARTS}),
    Good("POST", "/threads/$thread/messages/$message", {"metadata": METADATA}),
    Good("POST", "/threads/$thread/runs", {**RUN, "additional_instructions": "!", "additional_messages": [MESSAGE]}),
    Good("POST", "/threads/$thread/runs/$run", {"metadata": METADATA}),
    Good("POST", "/threads/runs", {**RUN, "thread": {"messages": [MESSAGE]}, "tool_resources": RESOURCES}),
    Good(
        "POST", "/threads/$waiting/runs/$asking/submit_tool_outputs",
        {"tool_outputs": [{"tool_call_id": "$call", "output": "Snow."}], "stream": False},
    ),
    Good("POST", "/vector_stores", {**STORE, "description": "For trips.", "expires_after": AFTER}),
    Good("POST", "/vector_stores/$store", {"name": "Trips", "expires_after": AFTER, "metadata": METADATA}),
    Good("POST", "/vector_stores/$store/search", SEARCH),
    Good(
        "POST", "/vector_stores/$store/files",
        {"file_id": "$file", "attributes": ATTRIBUTES, "chunking_strategy": STRATEGY},
    ),
    Good("POST", "/vector_stores/$store/files/$file", {"attributes": ATTRIBUTES}),
    Good(
        "POST", "/vector_stores/$store/file_batches",
        {"file_ids": ["$file"], "attributes": ATTRIBUTES, "chunking_strategy": STRATEGY},
    ),
)  # fmt: skip
"""They leave what they work on as it is needed by those that follow."""

LISTS = (
    Good("GET", "/assistants"),
    Good("GET", "/threads/$thread/messages"),
    Good("GET", "/threads/$thread/runs"),
    Good("GET", "/threads/$thread/runs/$run/steps"),
    Good("GET", "/files"),
    Good("GET", "/vector_stores"),
    Good("GET", "/vector_stores/$store/files"),
    Good("GET", "/vector_stores/$store/file_batches/$batch/files"),
)

SINGLE = (
    Good("GET", "/assistants/$assistant"),
    Good("GET", "/threads/$thread"),
    Good("GET", "/threads/$thread/messages/$message"),
    Good("GET", "/threads/$thread/runs/$run"),
    Good("GET", "/threads/$thread/runs/$run/steps/$step"),
    Good("GET", "/files/$file"),
    Good("GET", "/files/$file/content"),
    Good("GET", "/vector_stores/$store"),
    Good("GET", "/vector_stores/$store/files/$file"),
    Good("GET", "/vector_stores/$store/files/$file/content"),
    Good("GET", "/vector_stores/$store/file_batches/$batch"),
    Good("POST", "/vector_stores/$store/file_batches/$batch/cancel"),
    Good("POST", "/threads/$other/runs/$active/cancel"),
    Good("DELETE", "/vector_stores/$store/files/$file"),
    Good("DELETE", "/vector_stores/$store"),
    Good("DELETE", "/files/$file"),
    Good("DELETE", "/threads/$thread/messages/$message"),
    Good("DELETE", "/threads/$thread"),
    Good("DELETE", "/assistants/$assistant"),
)
"""In an order in which they can be made one after the other."""

EVERY = (*BODIES, *LISTS, *SINGLE)
