"""The simulated Slack's Web API, called with the real client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from tests.simulators.slack import slack
from tests.simulators.slack.tokens import SCOPES
from tests.slack_room import Room, client_of, error, slack_room


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with slack_room() as made:
        yield made


async def test_a_post_is_read_back_with_its_thread(room: Room) -> None:
    metadata = {"event_type": "answer", "event_payload": {"run": "r1"}}
    await room.client.chat_postMessage(**room.place, text="Yes.", metadata=metadata)
    read = await room.client.conversations_replies(
        channel=room.general.id, ts=room.question.ts, include_all_metadata=True
    )
    assert [message["text"] for message in read["messages"]] == ["<@UBOT> rain?", "Yes."]
    assert read["messages"][1]["metadata"] == metadata
    assert read["messages"][1]["bot_id"] == "B1"
    assert read["messages"][0]["reply_count"] == 1


async def test_metadata_is_shown_only_where_it_is_asked_for(room: Room) -> None:
    metadata = {"event_type": "answer", "event_payload": {"run": "r1"}}
    await room.client.chat_postMessage(**room.place, text="Yes.", metadata=metadata)
    read = await room.client.conversations_replies(channel=room.general.id, ts=room.question.ts)
    assert "metadata" not in read["messages"][1]


async def test_forms_and_json_are_understood_alike(room: Room) -> None:
    blocks = '[{"type": "markdown", "text": "**wet**"}]'
    await room.client.api_call("chat.postMessage", data={**room.place, "text": "wet", "blocks": blocks})
    assert room.answer.text == "**wet**"


async def test_pages_follow_each_other(room: Room) -> None:
    for text in "abc":
        await room.alice.says(text, room.general)
    first = await room.client.conversations_history(channel=room.general.id, limit=3)
    cursor = first["response_metadata"]["next_cursor"]
    rest = await room.client.conversations_history(channel=room.general.id, limit=3, cursor=cursor)
    assert [message["text"] for message in first["messages"]] == ["c", "b", "a"]
    assert [message["text"] for message in rest["messages"]] == ["<@UBOT> rain?"]
    assert (first["has_more"], rest["has_more"]) == (True, False)


async def test_answers_after_a_moment_can_be_asked_for(room: Room) -> None:
    early = await room.alice.says("early", room.general, thread=room.question)
    await room.alice.says("late", room.general, thread=room.question)
    read = await room.client.conversations_replies(channel=room.general.id, ts=room.question.ts, oldest=early.ts)
    assert [message["text"] for message in read["messages"]] == ["<@UBOT> rain?", "late"]


async def test_a_channel_must_be_there_and_open_to_the_bot(room: Room) -> None:
    post = room.client.chat_postMessage
    elsewhere, secret = room.workspace.channel("x", bot=False), room.workspace.channel("y", private=True, bot=False)
    assert await error(post(channel="C9", text="hi")) == "channel_not_found"
    assert await error(post(channel=elsewhere.id, text="hi")) == "not_in_channel"
    assert await error(post(channel=secret.id, text="hi")) == "channel_not_found"
    assert await error(post(channel=room.general.id, thread_ts="1.0", text="hi")) == "thread_not_found"
    room.general.archive()
    assert await error(post(channel=room.general.id, text="hi")) == "is_archived"


async def test_only_own_messages_are_changed(room: Room) -> None:
    of_alice = room.at(room.question.ts)
    assert await error(room.client.chat_update(**of_alice, text="no")) == "cant_update_message"
    assert await error(room.client.chat_delete(**of_alice)) == "cant_delete_message"
    nothing = room.at("1.000000")
    assert await error(room.client.chat_update(**nothing, text="no")) == "message_not_found"


async def test_a_message_shows_all_the_texts_that_it_had(room: Room) -> None:
    posted = await room.client.chat_postMessage(**room.place, text="…")
    await room.client.chat_update(channel=room.general.id, ts=posted["ts"], text="Yes.")
    assert (room.answer.versions, room.answer.text, room.answer.edited) == (["…", "Yes."], "Yes.", True)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"text": ""}, "no_text"),
        ({"markdown_text": "m" * 12_001}, "msg_too_long"),
        ({"markdown_text": "m", "text": "t"}, "markdown_text_conflict"),
        ({"text": "t", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        (
            {"text": "t", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "s" * 3_001}}]},
            "invalid_blocks",
        ),
        ({"text": "t", "blocks": [{"type": "markdown", "text": "m" * 6_001}] * 2}, "msg_blocks_too_long"),
        ({"text": "t", "metadata": {"event_type": "two words", "event_payload": {}}}, "invalid_metadata_schema"),
    ],
)
async def test_what_is_too_long_or_not_sound_is_refused(room: Room, arguments: dict[str, Any], code: str) -> None:
    call = room.client.api_call("chat.postMessage", json={**room.place, **arguments})
    assert await error(call) == code


async def test_plain_text_is_cut_when_posted_and_refused_when_updated(room: Room) -> None:
    posted = await room.client.chat_postMessage(**room.place, text="p" * 40_001)
    assert len(room.answer.text) == 40_000
    update = room.client.chat_update(channel=room.general.id, ts=posted["ts"], text="u" * 4_001)
    assert await error(update) == "msg_too_long"


async def test_an_argument_of_no_published_type_fails_the_test() -> None:
    async def mistaken() -> None:
        async with slack_room() as room:
            assert await error(room.stream(metadata={"event_type": "a", "event_payload": {}})) == "invalid_arguments"

    with pytest.raises(AssertionError, match=r"chat\.startStream has no parameter metadata"):
        await mistaken()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"text": 5}, "invalid_arguments"),
        ({"text": "t", "blocks": [{"type": "markdown"}]}, "invalid_blocks"),
        ({"text": "t", "blocks": [{"type": "paragraph"}]}, "invalid_blocks"),
        ({"text": "t", "metadata": {"event_type": "a"}}, "invalid_metadata_format"),
    ],
)
async def test_violations_of_the_published_types_are_kept(room: Room, arguments: dict[str, Any], code: str) -> None:
    call = room.client.api_call("chat.postMessage", json={**room.place, **arguments})
    assert await error(call) == code
    assert len(room.workspace.violations) == 1
    room.workspace.violations.clear()


async def test_a_channel_takes_a_burst_and_then_a_message_a_second(room: Room) -> None:
    for _ in range(5):
        await room.client.chat_postMessage(**room.place, text="hi")
    assert await error(room.client.chat_postMessage(**room.place, text="hi")) == "ratelimited"
    dm = room.workspace.dm(room.alice)
    await room.client.chat_postMessage(channel=dm.id, text="elsewhere")
    room.clock.advance(1)
    await room.client.chat_postMessage(**room.place, text="hi")
    assert await error(room.client.chat_postMessage(**room.place, text="hi")) == "ratelimited"


async def test_limits_can_be_off() -> None:
    async with slack(limits=False) as workspace:
        general, client = workspace.channel("general"), client_of(workspace)
        for _ in range(25):
            await client.chat_postMessage(channel=general.id, text="hi")
        assert (workspace.limited, workspace.count("chat.postMessage")) == (0, 25)


async def test_a_missing_scope_is_named(room: Room) -> None:
    room.workspace.grants(scope for scope in SCOPES if scope != "channels:history")
    with pytest.raises(SlackApiError) as refused:
        await room.client.conversations_history(channel=room.general.id)
    assert (refused.value.response["error"], refused.value.response["needed"]) == ("missing_scope", "channels:history")
    identity = await room.client.auth_test()
    assert "chat:write" in identity.headers["x-oauth-scopes"].split(",")
    assert "channels:history" not in identity.headers["x-oauth-scopes"].split(",")


async def test_tokens_must_be_of_the_right_kind_and_hold(room: Room) -> None:
    workspace = room.workspace
    assert await error(client_of(workspace, "xoxb-wrong").auth_test()) == "invalid_auth"
    assert await error(client_of(workspace, workspace.app_token).users_info(user="U1")) == "not_allowed_token_type"
    assert await error(room.client.apps_connections_open(app_token=workspace.bot_token)) == "not_allowed_token_type"
    workspace.revoke()
    assert await error(room.client.auth_test()) == "token_revoked"


async def test_unknown_methods_are_unknown(room: Room) -> None:
    assert await error(room.client.reactions_add(channel="C1", timestamp="1", name="wave")) == "unknown_method"
    room.workspace.offers(streaming=False, sessions=False)
    assert await error(room.stream()) == "unknown_method"


async def test_a_lost_answer_leaves_its_effect(room: Room) -> None:
    room.workspace.fails("chat.postMessage", after=True)
    room.workspace.fails("chat.postMessage", drop=True)
    for _ in range(2):
        with pytest.raises(aiohttp.ClientError):
            await room.client.chat_postMessage(**room.place, text="Yes.")
    assert [post.text for post in room.workspace.thread(room.general, room.question)][1:] == ["Yes."]


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({}, 429, "ratelimited"),
        ({"status": 503}, 503, "internal_error"),
        ({"error": "fatal_error"}, 200, "fatal_error"),
    ],
)
async def test_a_method_fails_as_often_as_it_was_told(
    room: Room, fault: dict[str, Any], status: int, code: str
) -> None:
    room.workspace.fails("chat.postMessage", times=2, **fault)
    for _ in range(2):
        with pytest.raises(SlackApiError) as refused:
            await room.client.chat_postMessage(**room.place, text="Yes.")
        assert (refused.value.response.status_code, refused.value.response["error"]) == (status, code)
    await room.client.chat_postMessage(**room.place, text="Yes.")
    assert [call.error for call in room.workspace.calls] == [code, code, ""]


async def test_people_have_their_roles_and_organisations(room: Room) -> None:
    workspace = room.workspace
    owner, guest = workspace.person("Olga", owner=True), workspace.person("Gus", guest=True)
    stranger = workspace.person("Sam", team="T9")
    users = [(await room.client.users_info(user=one.id))["user"] for one in (room.alice, owner, guest, stranger)]
    assert [user.get("is_admin") for user in users] == [False, True, False, None]
    assert [user.get("is_restricted") for user in users] == [False, False, True, None]
    assert [user["team_id"] for user in users] == ["T1", "T1", "T1", "T9"]
    assert await error(room.client.users_info(user="U9")) == "user_not_found"


async def test_a_file_is_read_with_the_token_only(room: Room) -> None:
    file = room.workspace.file("rain.csv", b"mm\n3\n", "text/csv")
    bearer = {"Authorization": f"Bearer {room.workspace.bot_token}"}
    async with aiohttp.ClientSession() as session:
        async with session.get(file.url_private) as answer:
            assert (answer.status, answer.content_type) == (200, "text/html")
        async with session.get(file.url_private, headers=bearer) as answer:
            assert (await answer.read(), answer.content_type) == (b"mm\n3\n", "text/csv")
        file.redirect = "http://elsewhere.invalid/rain.csv"
        async with session.get(file.url_private, headers=bearer, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, "http://elsewhere.invalid/rain.csv")


async def test_the_app_uploads_a_file_into_a_thread(room: Room) -> None:
    await room.client.files_upload_v2(**room.place, content="mm\n3\n", filename="rain.csv", initial_comment="Here.")
    assert (room.answer.text, room.answer.files[0].content) == ("Here.", b"mm\n3\n")


async def test_an_ephemeral_message_is_for_somebody_in_the_channel(room: Room) -> None:
    outsider = room.workspace.person("Sam", team="T9")
    post = room.client.chat_postEphemeral
    assert await error(post(channel=room.general.id, user=outsider.id, text="psst")) == "user_not_in_channel"
    await post(channel=room.general.id, user=room.alice.id, text="psst", thread_ts=room.question.ts)
    assert room.workspace.ephemerals == [(room.alice.id, room.general.id, room.question.ts, "psst")]
    assert len(room.workspace.posts(room.general)) == 1


async def test_the_home_tab_is_published_for_one_person(room: Room) -> None:
    home = {"type": "home", "blocks": [{"type": "divider"}]}
    published = await room.client.views_publish(user_id=room.alice.id, view=home)
    assert (room.workspace.home(room.alice) or {})["blocks"][0]["type"] == "divider"
    many = {"type": "home", "blocks": [{"type": "divider"}] * 101}
    assert await error(room.client.views_publish(user_id=room.alice.id, view=many)) == "invalid_arguments"
    await room.client.views_publish(user_id=room.alice.id, view=home, hash=published["view"]["hash"])
    late = room.client.views_publish(user_id=room.alice.id, view=home, hash=published["view"]["hash"])
    assert await error(late) == "hash_conflict"


async def test_the_app_is_described_to_its_owner(room: Room) -> None:
    workspace = room.workspace
    answer = await client_of(workspace, workspace.config_token).api_call("apps.manifest.export", json={"app_id": "A1"})
    assert "app_mention" in answer["manifest"]["settings"]["event_subscriptions"]["bot_events"]
    assert (await room.client.team_info())["team"]["name"] == "Acme"
    assert (await room.client.bots_info(bot="B1"))["bot"]["app_id"] == "A1"
    link = await room.client.chat_getPermalink(channel=room.general.id, message_ts=room.question.ts)
    assert link["permalink"].startswith("https://acme.slack.com/archives/C0000001/p18")
    members = await room.client.conversations_members(channel=room.general.id)
    assert members["members"] == [room.alice.id, "UBOT"]


async def test_waiting_in_vain_tells_what_is_there(room: Room) -> None:
    await room.client.chat_postMessage(**room.place, text="Yes.")
    with pytest.raises(TimeoutError, match=r"(?s)Alice: <@UBOT> rain\?.*Parley: Yes\..*chat\.postMessage ok"):
        await room.workspace.until(lambda: False, seconds=0.01)
