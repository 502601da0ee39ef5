"""Checks arguments and blocks against the types that Slack publishes.

`schemas.json` holds what the served methods need of a JSON Schema made from the typings of `@slack/web-api` 8.2.0 and
`@slack/types` 3.2.0 (MIT), without descriptions. In the arguments, blocks, chunks, views and metadata are any object:
each of them is checked by itself, against the definition for its `type`, so that an error names the right place.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

from tests.simulators.slack.values import JSON

CHUNKS = {
    "markdown_text": "MarkdownTextChunk",
    "task_update": "TaskUpdateChunk",
    "plan_update": "PlanUpdateChunk",
    "blocks": "BlocksChunk",
}
PARAMETERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "agents.sessions.rename": (("channel_id", "title"), ("thread_ts",)),
    "agents.sessions.setStatus": (
        ("status",),
        ("channel_id", "thread_ts", "title", "initiator_user_id", "icon_emoji", "icon_url", "username"),
    ),
    "apps.connections.open": ((), ()),
    "apps.manifest.export": (("app_id",), ()),
    "auth.test": ((), ()),
    "bots.info": ((), ("bot", "team_id")),
    "chat.delete": (("channel", "ts"), ("as_user",)),
    "chat.getPermalink": (("channel", "message_ts"), ()),
    "conversations.history": (
        ("channel",),
        ("cursor", "inclusive", "latest", "oldest", "limit", "include_all_metadata"),
    ),
    "conversations.info": (("channel",), ("include_locale", "include_num_members")),
    "conversations.members": (("channel",), ("cursor", "limit")),
    "conversations.open": ((), ("channel", "users", "return_im", "prevent_creation")),
    "files.completeUploadExternal": (
        ("files",),
        ("channel_id", "channels", "thread_ts", "initial_comment", "blocks"),
    ),
    "files.getUploadURLExternal": (("filename", "length"), ("alt_txt", "snippet_type")),
    "files.info": (("file",), ("count", "cursor", "limit", "page")),
    "team.info": ((), ("team", "domain")),
    "users.info": (("user",), ("include_locale",)),
}
"""Required and optional parameters of methods without a published type, from https://docs.slack.dev/reference/methods."""
_EVERYWHERE = {"token", "team_id"}


def argument_problem(method: str, arguments: JSON) -> str | None:
    """What is wrong with the arguments of a call, or None. Unknown parameters are wrong: Slack overlooks them, and the
    app would not learn that what it meant does not happen.
    """
    known: frozenset[str]
    if method in PARAMETERS:
        required, optional = PARAMETERS[method]
        known = frozenset(required + optional)
        missing = [name for name in required if arguments.get(name) in (None, "")]
        found = f"missing required field: {missing[0]}" if missing else None
    else:
        name = _arguments(method)
        known, found = _properties(name), _problem(name, arguments)
    unknown = sorted(set(arguments) - known - _EVERYWHERE)
    return found or (f"{method} has no parameter {unknown[0]}" if unknown else None)


def block_problem(block: Any) -> str | None:
    """What is wrong with one block of a message or a view, or None."""
    kind = block.get("type") if isinstance(block, dict) else None
    name = _blocks().get(str(kind))
    return _problem(name, block) if name else f"unsupported type: {kind}"


def chunk_problem(chunk: Any) -> str | None:
    """What is wrong with one chunk of a stream, or None. Blocks inside are not looked at."""
    kind = chunk.get("type") if isinstance(chunk, dict) else None
    name = CHUNKS.get(str(kind))
    return _problem(name, chunk) if name else f"unsupported chunk: {kind}"


def metadata_problem(metadata: Any) -> str | None:
    return _problem("MessageMetadata", metadata)


def view_problem(view: Any) -> str | None:
    """What is wrong with a modal or a home view, or None. Blocks inside are not looked at."""
    kind = view.get("type") if isinstance(view, dict) else None
    if kind not in ("modal", "home"):
        return f"unsupported view: {kind}"
    return _problem("ModalView" if kind == "modal" else "HomeView", view)


def event_problem(name: str, event: JSON) -> str | None:
    """What is wrong with an event by its published type: AppMentionEvent, GenericMessageEvent, AppHomeOpenedEvent."""
    return _problem(name, event)


def _problem(name: str, value: Any) -> str | None:
    validator = _validator(name)
    if validator.is_valid(value):
        return None
    error = best_match(validator.iter_errors(value))
    return f"{error.json_path}: {error.message}"[:400] if error else None


def _arguments(method: str) -> str:
    return "".join(part[0].upper() + part[1:] for part in method.split(".")) + "Arguments"


@lru_cache
def _definitions() -> dict[str, Any]:
    definitions: dict[str, Any] = json.loads(Path(__file__).with_name("schemas.json").read_text("utf-8"))["definitions"]
    return definitions


@lru_cache
def _validator(name: str) -> Draft7Validator:
    return Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": _definitions()})


@lru_cache
def _blocks() -> dict[str, str]:
    """The definition for each type of block."""
    names = [choice["$ref"].rsplit("/", 1)[-1] for choice in _definitions()["KnownBlock"]["anyOf"]]
    return {kind: name for name in names for kind in _kinds(_definitions()[name])}


def _kinds(schema: Any) -> set[str]:
    found = {kind for choice in schema.get("anyOf", ()) for kind in _kinds(choice)}
    kind = schema.get("properties", {}).get("type", {}).get("const")
    return found | {kind} if kind else found


@lru_cache
def _properties(name: str) -> frozenset[str]:
    schema = _definitions()[name]
    return frozenset(name for choice in schema.get("anyOf", [schema]) for name in choice["properties"])
