"""What Discord dispatches is looked at before anything reads it."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.discord.shapes import problem

DELETED = {"id": "1", "channel_id": "2", "guild_id": "3"}


def test_a_deletion_as_discord_documents_it_is_read() -> None:
    assert problem("MESSAGE_DELETE", DELETED) == ""
    assert problem("MESSAGE_DELETE", {"id": "1", "channel_id": "2"}) == ""
    assert problem("MESSAGE_DELETE_BULK", {"ids": ["1", "4"], "channel_id": "2", "guild_id": "3"}) == ""


@pytest.mark.parametrize("wrong", [{"guild_id": True}, {"channel_id": None}, {"id": []}, {"guild_id": 1.5}])
def test_a_deletion_of_another_form_is_not(wrong: dict[str, Any]) -> None:
    """A server of that id would be waited for."""
    assert problem("MESSAGE_DELETE", {**DELETED, **wrong}) != ""
