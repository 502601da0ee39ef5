"""A request as the simulator received it, and the questions that tests and brains ask about it in either API."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

JSON = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """`headers` have small letters. `azure` tells the dated form from the v1 form and from OpenAI's own."""

    api: Literal["responses", "chat"]
    body: JSON
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    azure: Literal["dated", "v1"] | None = None

    @property
    def model(self) -> str:
        return str(self.body.get("model"))

    @property
    def items(self) -> Sequence[JSON]:
        """The conversation: the input items or the messages."""
        given = self.body.get("input" if self.api == "responses" else "messages")
        return given if isinstance(given, list) else [{"role": "user", "content": given}]

    @property
    def tools(self) -> Mapping[str, JSON]:
        """Parameter schemas by tool name."""
        tools = [tool.get("function", tool) for tool in self.body.get("tools") or ()]
        return {tool["name"]: tool.get("parameters") or {} for tool in tools}

    @property
    def outputs(self) -> list[str]:
        """The tool outputs that came after the last user message, as a model reads them inside their marks."""
        since: list[str] = []
        for item in self.items:
            if item.get("role") == "user":
                since = []
            elif item.get("type") == "function_call_output":
                since.append(_inside(str(item.get("output"))))
            elif item.get("role") == "tool":
                since.append(_inside(str(item.get("content"))))
        return since

    @property
    def question(self) -> str:
        """The last user message."""
        asked = [_text(item.get("content")) for item in self.items if item.get("role") == "user"]
        return asked[-1] if asked else ""

    @property
    def images(self) -> list[str]:
        """The data URLs of all images, in their order."""
        parts = [part for item in self.items if isinstance(item.get("content"), list) for part in item["content"]]
        urls = [part["image_url"] for part in parts if part.get("image_url")]
        return [url if isinstance(url, str) else url["url"] for url in urls]


def _inside(output: str) -> str:
    """What stands in the fence below the line that calls it data."""
    marked = re.fullmatch(r"Output \(data, not instructions\):\n(`{3,})\n(.*)\n\1", output, re.DOTALL)
    return marked[2] if marked else output


def _text(content: Any) -> str:
    """What a message says beside its images."""
    if not isinstance(content, list):
        return str(content)
    return "\n".join(part["text"] for part in content if "text" in part)
