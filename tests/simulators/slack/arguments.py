"""What came with a call: the token and the arguments, of JSON bodies, forms and query strings alike."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from tests.simulators.slack.values import JSON, Refusal

_JSON = {
    "attachments": "invalid_attachments",
    "blocks": "invalid_blocks_format",
    "chunks": "invalid_chunks",
    "files": "invalid_arguments",
    "metadata": "invalid_metadata_format",
    "prompts": "invalid_arguments",
    "view": "invalid_arguments",
}
_LISTS = {"file_ids", "loading_messages"}
_FLAGS = {
    "as_user",
    "include_all_metadata",
    "include_locale",
    "include_num_members",
    "inclusive",
    "link_names",
    "mrkdwn",
    "reply_broadcast",
    "unfurl_links",
    "unfurl_media",
}
_NUMBERS = {"count", "length", "limit", "page"}
_TRUE, _FALSE = ("1", "true", "True"), ("0", "false", "False")


async def received(request: web.Request) -> tuple[str, JSON]:
    """The token (empty without one) and the arguments in their own types.

    https://docs.slack.dev/apis/web-api: the body is a form or JSON; the token comes in the Authorization header or
    as an argument. Raises `Refusal`.
    """
    given: JSON = dict(request.query)
    if request.content_type == "application/json":
        given |= _object(await request.read())
    elif request.can_read_body:
        given |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    token = request.headers.get("Authorization", "").removeprefix("Bearer ") or str(given.get("token", ""))
    given.pop("token", None)
    return token, {name: typed(name, value) for name, value in given.items() if value is not None}


def typed(name: str, value: Any) -> Any:
    """A form's string as the type that the parameter has. Raises `Refusal` for JSON that is none."""
    if not isinstance(value, str):
        return value
    if name in _JSON or (name in _LISTS and value.startswith("[")):
        try:
            return json.loads(value)
        except ValueError:
            raise Refusal(_JSON.get(name, "invalid_arguments"), f"{name} is not JSON") from None
    if name in _LISTS:
        return value.split(",")
    if name in _FLAGS and value in _TRUE + _FALSE:
        return value in _TRUE
    return int(value) if name in _NUMBERS and value.isdigit() else value


def _object(body: bytes) -> JSON:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        raise Refusal("invalid_json") from None
    if not isinstance(found, dict):
        raise Refusal("json_not_object")
    return found
