"""What checks the API's answers against the published description finds what is wrong with one."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from bot.api.files import UPLOADS
from bot.api.routes import ENDPOINTS
from tests.api_schemas import problem_of_answer, problem_of_event, table

THREAD = {"id": "thread_1", "object": "thread", "created_at": 1, "metadata": {}, "tool_resources": {}}


def test_every_endpoint_is_published_but_for_the_bytes_of_files() -> None:
    every = {f"{method} {path}" for path, methods in {**ENDPOINTS, **UPLOADS}.items() for method in methods}
    assert every - table("responses").keys() == {"GET /files/{file_id}/content"}


@pytest.mark.parametrize(
    "wrong", [{"created_at": "now"}, {"object": "run"}, {"metadata": {"a": 1}}, {"id": None}, {"tool_resources": []}]
)
def test_a_field_that_is_wrong_is_told(wrong: dict[str, Any]) -> None:
    assert problem_of_answer("GET", "/threads/thread_1", THREAD) == ""
    found = problem_of_answer("GET", "/threads/thread_1", {**THREAD, **wrong})
    assert re.match(r"ThreadObject \$", found)
    assert problem_of_event("thread.created", json.dumps({**THREAD, **wrong})) == found


def test_what_is_not_published_is_told() -> None:
    assert problem_of_answer("PUT", "/threads", THREAD) == "PUT /threads is not published"
    assert problem_of_event("thread.run.paused", "{}") == "the event thread.run.paused is not published"
    assert problem_of_event("done", "[OVER]") == "done: [OVER]"
