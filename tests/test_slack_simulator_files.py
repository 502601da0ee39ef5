"""The simulated Slack's rules for files that an app uploads, by the client that Slack publishes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.simulators.slack.tokens import SCOPES
from tests.slack_room import Room, error, slack_room


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with slack_room() as made:
        yield made


async def uploaded(room: Room, content: bytes = b"rain", *, promised: int = 4) -> tuple[str, str, int]:
    """The id of a file, the address for its bytes, and the status that they were answered with."""
    place = await room.client.files_getUploadURLExternal(filename="chart.png", length=promised)
    return place["file_id"], place["upload_url"], await sent(str(place["upload_url"]), content)


async def sent(url: str, content: bytes = b"rain") -> int:
    async with aiohttp.ClientSession() as session, session.post(url, data=content) as answer:
        return answer.status


async def shared(room: Room, *ids: str, **more: Any) -> Any:
    given = {"channel_id": room.general.id, "thread_ts": room.question.ts, **more}
    return await room.client.files_completeUploadExternal(files=[{"id": id_} for id_ in ids], **given)


async def test_files_that_are_shared_in_a_thread_are_one_message_of_it_without_metadata(room: Room) -> None:
    one, _, _ = await uploaded(room)
    other, _, _ = await uploaded(room)
    await shared(room, one, other)
    answer = await room.client.conversations_replies(
        channel=room.general.id, ts=room.question.ts, include_all_metadata=True
    )
    message = answer["messages"][-1]
    assert ([file["id"] for file in message["files"]], message["thread_ts"]) == ([one, other], room.question.ts)
    assert not {"metadata", "blocks"} & message.keys()
    about = (await room.client.files_info(file=one))["file"]["shares"]
    assert about == {"public": {room.general.id: [{"ts": message["ts"], "thread_ts": room.question.ts}]}}


async def test_a_file_is_shared_once_and_when_its_bytes_are_there(room: Room) -> None:
    place = await room.client.files_getUploadURLExternal(filename="chart.png", length=4)
    assert await error(shared(room, place["file_id"])) == "file_not_found"
    assert await sent(str(place["upload_url"])) == 200
    await shared(room, place["file_id"])
    assert await error(shared(room, place["file_id"])) == "file_not_found"
    assert len(room.workspace.thread(room.general, room.question)) == 2


async def test_an_address_takes_the_bytes_that_were_promised_and_once(room: Room) -> None:
    assert (await uploaded(room, b"too many"))[2] == 500
    _, url, status = await uploaded(room)
    assert (status, await sent(url)) == (200, 404)


async def test_nobody_is_told_of_a_file_that_is_not_finished(room: Room) -> None:
    id_, _, _ = await uploaded(room)
    assert await error(room.client.files_info(file=id_)) == "file_not_found"
    await shared(room, id_, channel_id=None, thread_ts=None)
    assert (await room.client.files_info(file=id_))["file"]["shares"] == {}


async def test_a_thread_goes_with_one_channel(room: Room) -> None:
    id_, _, _ = await uploaded(room)
    other = room.workspace.channel("random")
    assert await error(shared(room, id_, channel_id=None, channels=[room.general.id, other.id])) == "invalid_arguments"


async def test_each_step_wants_its_scope(room: Room) -> None:
    id_, _, _ = await uploaded(room)
    room.workspace.grants(scope for scope in SCOPES if scope != "files:write")
    assert await error(uploaded(room)) == "missing_scope"
    assert await error(shared(room, id_)) == "missing_scope"


async def test_what_lags_is_shared_later_and_counts_as_done(room: Room) -> None:
    room.workspace.uploads.lags = True
    id_, _, _ = await uploaded(room)
    await shared(room, id_)
    assert (await room.client.files_info(file=id_))["file"]["shares"] == {}
    assert await error(shared(room, id_)) == "file_not_found"
    room.workspace.uploads.catch_up()
    assert room.answer.files[0].content == b"rain"
