"""Streamed messages, statuses and agent sessions of the simulated Slack."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from slack_sdk.errors import SlackApiError

from tests.simulators.slack import slack
from tests.slack_room import Room, client_of, error, slack_room


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with slack_room() as made:
        yield made


async def test_a_stream_adds_up_to_a_message(room: Room) -> None:
    ts = await room.stream(chunks=[{"type": "task_update", "id": "1", "title": "weather", "status": "in_progress"}])
    await room.client.chat_appendStream(
        channel=room.general.id, ts=ts, chunks=[{"type": "markdown_text", "text": "It "}]
    )
    assert (room.answer.text, room.answer.tasks, room.answer.streaming) == ("It ", [("weather", "in_progress")], True)
    await room.client.chat_stopStream(
        channel=room.general.id,
        ts=ts,
        chunks=[
            {"type": "markdown_text", "text": "rains."},
            {"type": "task_update", "id": "1", "title": "weather", "status": "complete"},
            {"type": "plan_update", "title": "Looked it up"},
        ],
    )
    assert (room.answer.text, room.answer.tasks) == ("It rains.", [("weather", "complete")])
    assert (room.answer.stream_state, room.answer.plan) == ("completed", "Looked it up")


async def test_a_stream_is_neither_updated_nor_deleted_while_it_runs(room: Room) -> None:
    message = room.at(await room.stream(markdown_text="It"))
    assert await error(room.client.chat_update(**message, text="no")) == "streaming_state_conflict"
    assert await error(room.client.chat_delete(**message)) == "cant_delete_message"
    await room.client.chat_stopStream(**message)
    await room.client.chat_update(**message, text="It snows.")
    assert room.answer.text == "It snows."


async def test_a_stream_dies_after_five_minutes(room: Room) -> None:
    message = room.at(await room.stream(markdown_text="It"))
    room.clock.advance(299)
    await room.client.chat_appendStream(**message, markdown_text=" rains")
    room.clock.advance(1)
    assert await error(room.client.chat_appendStream(**message, markdown_text="!")) == "message_not_in_streaming_state"
    assert await error(room.client.chat_stopStream(**message)) == "message_not_in_streaming_state"
    assert (room.answer.text, room.answer.stream_state) == ("It rains", "expired")


async def test_a_test_can_let_streams_expire(room: Room) -> None:
    message = room.at(await room.stream(markdown_text="It"))
    room.workspace.expire_streams()
    assert await error(room.client.chat_stopStream(**message)) == "message_not_in_streaming_state"


async def test_a_stream_in_a_channel_names_its_reader(room: Room) -> None:
    start = room.client.chat_startStream
    assert await error(start(**room.place)) == "missing_recipient_user_id"
    assert await error(start(**room.place, recipient_user_id=room.alice.id)) == "missing_recipient_team_id"
    dm = room.workspace.dm(room.alice)
    asked = await room.alice.says("rain?", dm)
    assert (await start(channel=dm.id, thread_ts=asked.ts))["ok"]


async def test_a_stream_keeps_its_mode(room: Room) -> None:
    message = room.at(await room.stream(markdown_text="It"))
    chunks = [{"type": "markdown_text", "text": " rains"}]
    append = room.client.chat_appendStream
    assert await error(append(**message, chunks=chunks)) == "streaming_mode_mismatch"
    both = append(**message, markdown_text="!", chunks=chunks)
    assert await error(both) == "cannot_provide_both_markdown_text_and_chunks"
    assert await error(append(**message, chunks=[])) == "no_text"


async def test_a_stream_takes_twelve_thousand_characters_in_all(room: Room) -> None:
    message = room.at(await room.stream(markdown_text="a" * 7_000))
    await room.client.chat_appendStream(**message, markdown_text="b" * 5_000)
    assert await error(room.client.chat_appendStream(**message, markdown_text="c")) == "msg_too_long"


async def test_blocks_come_at_the_end_of_a_stream(room: Room) -> None:
    feedback = {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "feedback",
                "positive_button": {"text": {"type": "plain_text", "text": "Good"}, "value": "good"},
                "negative_button": {"text": {"type": "plain_text", "text": "Bad"}, "value": "bad"},
            }
        ],
    }
    message = room.at(await room.stream(markdown_text="Yes."))
    answer = await room.client.chat_stopStream(
        **message, blocks=[feedback], metadata={"event_type": "a", "event_payload": {}}
    )
    assert (room.answer.text, answer["message"]["blocks"][0]["type"]) == ("Yes.", "context_actions")
    assert room.answer.metadata == {"event_type": "a", "event_payload": {}}


async def test_chunks_have_their_shape(room: Room) -> None:
    assert await error(room.stream(chunks=[{"type": "task_update", "id": "1"}])) == "invalid_chunks"
    assert "required property" in room.workspace.violations.pop()
    long = {"type": "task_update", "id": "1", "title": "t" * 257, "status": "pending"}
    assert await error(room.stream(chunks=[long])) == "invalid_chunks"


async def test_streams_start_twenty_times_a_minute(room: Room) -> None:
    for _ in range(20):
        await room.stream()
        room.clock.advance(1)
    with pytest.raises(SlackApiError) as refused:
        await room.stream()
    response = refused.value.response
    assert (response.status_code, response["error"], response.headers["Retry-After"]) == (429, "ratelimited", "40")
    room.clock.advance(40)
    await room.stream()
    assert room.workspace.limited == 1


async def test_a_status_goes_when_the_app_speaks_or_after_two_minutes(room: Room) -> None:
    async def show(text: str) -> None:
        await room.client.assistant_threads_setStatus(**room.thread, status=text)

    await show("is thinking…")
    assert room.workspace.status(room.general, room.question) == "is thinking…"
    await room.client.chat_postMessage(**room.place, text="Yes.")
    assert room.workspace.status(room.general, room.question) == ""
    await show("is looking…")
    room.clock.advance(120)
    assert room.workspace.status(room.general, room.question) == ""
    assert [status.text for status in room.workspace.statuses] == ["is thinking…", "is looking…"]


async def test_a_status_has_ten_loading_messages_at_most(room: Room) -> None:
    many = room.client.assistant_threads_setStatus(**room.thread, status="is…", loading_messages=["…"] * 11)
    assert await error(many) == "invalid_arguments"
    nowhere = room.client.assistant_threads_setStatus(channel_id=room.general.id, thread_ts="1.0", status="is…")
    assert await error(nowhere) == "invalid_thread_ts"


async def test_a_session_keeps_its_first_title_until_it_is_renamed(room: Room) -> None:
    assert await error(room.client.agents_sessions_rename(**room.thread, title="Rain")) == "session_not_found"
    await room.client.agents_sessions_setStatus(**room.thread, status="processing", title="Rain")
    answer = await room.client.agents_sessions_setStatus(**room.thread, status="active", title="Snow")
    assert (answer["title"], answer.get("warning")) == ("Rain", None)
    await room.client.agents_sessions_rename(**room.thread, title="Weather")
    session = room.workspace.session(room.general, room.question)
    assert session
    assert (session.title, session.history) == ("Weather", ["processing", "active"])
    assert await error(room.client.agents_sessions_setStatus(**room.thread, status="busy")) == "invalid_status"
    assert await error(room.client.agents_sessions_rename(**room.thread, title="t" * 201)) == "invalid_arguments"


async def test_the_end_of_a_stream_moves_the_session(room: Room) -> None:
    await room.client.agents_sessions_setStatus(**room.thread, status="processing")
    ts = await room.stream(markdown_text="Yes.")
    await room.client.chat_stopStream(channel=room.general.id, ts=ts, session_status="suspended")
    session = room.workspace.session(room.general, room.question)
    assert session
    assert session.status == "suspended"


async def test_a_session_warns_an_app_that_cannot_be_stopped() -> None:
    async with slack(events=["app_mention"]) as workspace:
        alice, general = workspace.person("Alice"), workspace.channel("general")
        question = await alice.says("rain?", general)
        answer = await client_of(workspace).agents_sessions_setStatus(
            channel_id=general.id, thread_ts=question.ts, status="processing"
        )
        assert answer["warning"] == "missing_agent_session_stopped_event_subscription"
        with pytest.raises(LookupError, match="no Stop"):
            await alice.stops(general, question)


async def test_a_person_stops_a_stream(room: Room) -> None:
    message = room.at(await room.stream(markdown_text="It"))
    await room.alice.stops(room.general, room.question)
    assert room.answer.stream_state == "stopped_by_user"
    assert await error(room.client.chat_appendStream(**message, markdown_text="!")) == "stopped_by_user"
    assert await error(room.client.chat_stopStream(**message)) == "message_not_in_streaming_state"
