"""What the simulated Slack sends to a real Bolt app: over Socket Mode and as signed requests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from starlette.applications import Starlette
from starlette.routing import Route

from tests.simulators.serve import serve
from tests.simulators.slack import JSON, Workspace, schemas, slack
from tests.slack_room import Heard, client_of, connected, heard_by


@pytest.fixture
async def workspace() -> AsyncIterator[Workspace]:
    async with slack() as made:
        yield made


@pytest.fixture
async def heard(workspace: Workspace) -> AsyncIterator[Heard]:
    async with connected(workspace, heard_by(workspace)) as listening:
        yield listening


async def test_a_mention_in_a_channel_comes_twice_in_the_published_shapes(workspace: Workspace, heard: Heard) -> None:
    alice, general = workspace.person("Alice"), workspace.channel("general")
    post = await alice.says(f"{workspace.mention} rain?", general)
    await workspace.until(lambda: len(workspace.acks) == 2)
    message, mention = heard.events
    assert schemas.event_problem("GenericMessageEvent", message) is None
    assert schemas.event_problem("AppMentionEvent", mention) is None
    assert (message["ts"], mention["ts"], message["channel_type"]) == (post.ts, post.ts, "channel")
    assert heard.bodies[0]["event_id"] != heard.bodies[1]["event_id"]
    assert heard.bodies[0]["authorizations"][0]["user_id"] == "UBOT"


async def test_a_direct_message_comes_once(workspace: Workspace, heard: Heard) -> None:
    alice = workspace.person("Alice")
    await alice.says(f"{workspace.mention} rain?", workspace.dm(alice))
    await workspace.until(lambda: workspace.acks)
    assert [(event["type"], event["channel_type"]) for event in heard.events] == [("message", "im")]


async def test_group_messages_and_threads_are_told_apart(workspace: Workspace, heard: Heard) -> None:
    alice, bob = workspace.person("Alice"), workspace.person("Bob")
    secret, group = workspace.channel("secret", private=True), workspace.group_dm(alice, bob)
    root = await alice.says("rain?", secret)
    await bob.says("no", secret, thread=root)
    await bob.says("hi", group)
    await workspace.until(lambda: len(workspace.acks) == 3)
    assert [event["channel_type"] for event in heard.events] == ["group", "group", "mpim"]
    assert (heard.events[1]["thread_ts"], heard.events[1]["parent_user_id"]) == (root.ts, alice.id)


async def test_what_the_bot_is_not_in_it_hears_only_by_mention(workspace: Workspace, heard: Heard) -> None:
    alice, random = workspace.person("Alice"), workspace.channel("random", bot=False)
    await alice.says("rain?", random)
    await alice.says(f"{workspace.mention} rain?", random)
    await workspace.bot_joins(random)
    await workspace.until(lambda: len(workspace.acks) == 2)
    assert heard.kinds == ["app_mention", "member_joined_channel"]


async def test_events_without_their_scope_do_not_come(workspace: Workspace, heard: Heard) -> None:
    alice, general = workspace.person("Alice"), workspace.channel("general")
    workspace.grants(["app_mentions:read", "im:history"])
    await alice.says(f"{workspace.mention} rain?", general)
    await workspace.until(lambda: workspace.acks)
    assert heard.kinds == ["app_mention"]


async def test_files_come_with_the_message_and_not_with_the_mention(workspace: Workspace, heard: Heard) -> None:
    alice, general = workspace.person("Alice"), workspace.channel("general")
    chart = workspace.file("rain.png", b"\x89PNG", "image/png")
    await alice.says(f"{workspace.mention} see", general, files=[chart])
    await workspace.until(lambda: len(workspace.acks) == 2)
    message, mention = heard.events
    [file] = message["files"]
    assert (message["subtype"], file["mimetype"], file["size"]) == ("file_share", "image/png", 4)
    assert "files" not in mention


async def test_files_can_come_with_the_mention_too() -> None:
    async with slack(mention_files=True) as workspace, connected(workspace, heard_by(workspace)) as heard:
        alice, general = workspace.person("Alice"), workspace.channel("general")
        await alice.says(workspace.mention, general, files=[workspace.file("a.txt", b"a")])
        await workspace.until(lambda: len(workspace.acks) == 2)
        assert schemas.event_problem("AppMentionEvent", heard.events[1]) is None
        assert heard.events[1]["files"][0]["name"] == "a.txt"


async def test_people_of_other_organisations_can_be_told(workspace: Workspace, heard: Heard) -> None:
    sam = workspace.person("Sam", team="T9")
    shared = workspace.channel("shared", members=[sam])
    await sam.says("hello", shared)
    await workspace.until(lambda: workspace.acks)
    assert (heard.events[0]["user_team"], heard.bodies[0]["is_ext_shared_channel"]) == ("T9", True)


async def test_edits_and_deletions_are_told(workspace: Workspace, heard: Heard) -> None:
    alice, general = workspace.person("Alice"), workspace.channel("general")
    post = await alice.says("rian?", general)
    await alice.edits(post, f"rain? {workspace.mention}")
    await alice.deletes(post)
    await workspace.until(lambda: len(workspace.acks) == 4)
    assert heard.kinds == ["message", "message/message_changed", "app_mention", "message/message_deleted"]
    assert [heard.events[1][name]["text"] for name in ("previous_message", "message")] == ["rian?", "rain? <@UBOT>"]
    assert (heard.events[3]["deleted_ts"], workspace.posts(general)) == (post.ts, [])


async def test_the_root_of_a_thread_leaves_a_tombstone(workspace: Workspace, heard: Heard) -> None:
    alice, general = workspace.person("Alice"), workspace.channel("general")
    root = await alice.says("rain?", general)
    await alice.says("well?", general, thread=root, broadcast=True)
    await alice.deletes(root)
    await workspace.until(lambda: len(workspace.acks) == 3)
    assert heard.kinds == ["message", "message/thread_broadcast", "message/message_changed"]
    assert heard.events[2]["message"]["subtype"] == "tombstone"
    read = await client_of(workspace).conversations_replies(channel=general.id, ts=root.ts)
    assert [message["text"] for message in read["messages"]] == ["This message was deleted.", "well?"]


async def test_the_app_hears_itself(workspace: Workspace) -> None:
    async with connected(workspace, heard_by(workspace, ignoring_self_events_enabled=False)) as heard:
        alice, client = workspace.person("Alice"), client_of(workspace)
        question = await alice.says("rain?", workspace.dm(alice))
        dm = question.channel.id
        stream = await client.chat_startStream(channel=dm, thread_ts=question.ts, markdown_text="Yes")
        await client.chat_stopStream(channel=dm, ts=stream["ts"], markdown_text=".")
        await workspace.until(lambda: len(workspace.acks) == 3)
    assert heard.kinds == ["message", "message", "message/message_changed"]
    assert [event.get("bot_id") for event in heard.events] == [None, "B1", None]
    assert heard.events[2]["message"]["bot_id"] == "B1"


async def test_events_wait_for_the_app(workspace: Workspace) -> None:
    alice, general = workspace.person("Alice"), workspace.channel("general")
    await alice.says("rain?", general)
    assert len(workspace.unacknowledged) == 1
    async with connected(workspace, heard_by(workspace)) as heard:
        await workspace.until(lambda: not workspace.unacknowledged)
        assert heard.retries == [("0", "")]


async def test_an_event_comes_again_until_it_is_acknowledged(workspace: Workspace, heard: Heard) -> None:
    workspace.patience, heard.deaf = 0.02, True
    alice, general = workspace.person("Alice"), workspace.channel("general")
    await alice.says("rain?", general)
    await workspace.until(lambda: len(heard.retries) >= 3)
    heard.deaf = False
    await workspace.until(lambda: not workspace.unacknowledged)
    assert heard.retries[1:] == [("1", "timeout"), ("2", "timeout"), ("3", "timeout")]
    assert len(heard.bodies) == 1


async def test_after_three_retries_an_event_is_given_up(workspace: Workspace, heard: Heard) -> None:
    workspace.patience, heard.deaf = 0.01, True
    await workspace.person("Alice").says("rain?", workspace.channel("general"))
    await workspace.until(lambda: len(heard.retries) == 4)
    with pytest.raises(TimeoutError):
        await workspace.until(lambda: len(heard.retries) > 4, seconds=0.1)
    assert len(workspace.unacknowledged) == 1
    heard.deaf = False
    await workspace.redeliver()
    await workspace.until(lambda: not workspace.unacknowledged)


async def test_a_lost_acknowledgement_brings_the_event_again(workspace: Workspace, heard: Heard) -> None:
    workspace.lose_acks(1)
    await workspace.person("Alice").says("rain?", workspace.channel("general"))
    await workspace.until(lambda: len(workspace.acks) == 1)
    assert [body["event_id"] for body in heard.bodies] == [heard.bodies[0]["event_id"]] * 2


async def test_everything_can_come_again(workspace: Workspace, heard: Heard) -> None:
    alice, general = workspace.person("Alice"), workspace.channel("general")
    await alice.says(f"{workspace.mention} rain?", general)
    await workspace.until(lambda: len(workspace.acks) == 2)
    await workspace.redeliver()
    await workspace.until(lambda: len(workspace.acks) == 4)
    assert [body["event_id"] for body in heard.bodies[:2]] == [body["event_id"] for body in heard.bodies[2:]]
    assert heard.retries[2:] == [("1", "timeout")] * 2


@pytest.mark.parametrize("reason", ["refresh_requested", "warning", "link_disabled"])
async def test_an_announced_end_brings_a_new_connection(workspace: Workspace, heard: Heard, reason: str) -> None:
    await workspace.disconnect(reason)
    await workspace.connected(times=2)
    await workspace.person("Alice").says("rain?", workspace.channel("general"))
    await workspace.until(lambda: heard.kinds == ["message"])


async def test_an_app_has_ten_connections_at_most(workspace: Workspace, heard: Heard) -> None:
    client = client_of(workspace)
    async with aiohttp.ClientSession() as session:
        opened = [await client.apps_connections_open(app_token=workspace.app_token) for _ in range(10)]
        sockets = [await session.ws_connect(one["url"]) for one in opened]
        greetings = [(await socket.receive_json())["type"] for socket in sockets]
    assert greetings == ["hello"] * 9 + ["disconnect"]


async def test_what_was_not_acknowledged_comes_over_the_next_connection(workspace: Workspace, heard: Heard) -> None:
    heard.deaf = True
    await workspace.person("Alice").says("rain?", workspace.channel("general"))
    await workspace.until(lambda: len(heard.retries) == 1)
    heard.deaf = False
    workspace.drop()
    await workspace.connected(times=2)
    await workspace.until(lambda: not workspace.unacknowledged)
    assert heard.retries[-1] == ("1", "connection_failed")


async def test_stop_tells_which_streams_it_ended(workspace: Workspace, heard: Heard) -> None:
    alice = workspace.person("Alice")
    question = await alice.says("rain?", workspace.dm(alice))
    place = {"channel": question.channel.id, "thread_ts": question.ts}
    stream = await client_of(workspace).chat_startStream(channel=place["channel"], thread_ts=place["thread_ts"])
    await alice.stops(question.channel, question)
    await workspace.until(lambda: "agent_session_stopped" in heard.kinds)
    stopped = heard.events[-1]
    assert stopped["streaming_message_ts"] == [stream["ts"]]
    assert {**place, "user": alice.id}.items() <= stopped.items()


async def test_the_home_tab_is_opened(workspace: Workspace, heard: Heard) -> None:
    alice = workspace.person("Alice")
    await alice.opens_home("messages")
    await workspace.until(lambda: workspace.acks)
    assert schemas.event_problem("AppHomeOpenedEvent", heard.events[0]) is None
    assert (heard.events[0]["tab"], heard.events[0]["channel"]) == ("messages", workspace.dm(alice).id)


@asynccontextmanager
async def listening(workspace: Workspace, **how: Any) -> AsyncIterator[Heard]:
    """The app behind an address that the workspace delivers to."""
    heard = heard_by(workspace, signing_secret=workspace.signing_secret)
    routes = [Route("/slack/events", AsyncSlackRequestHandler(heard.app).handle, methods=["POST"])]
    async with serve(Starlette(routes=routes)) as address:
        workspace.deliver_to(f"{address}/slack/events", **how)
        yield heard


async def test_requests_are_signed(workspace: Workspace) -> None:
    async def tools(ack: Any, command: JSON) -> None:
        await ack(command["text"])

    async with listening(workspace) as heard:
        heard.app.command("/parley")(tools)
        alice, general = workspace.person("Alice"), workspace.channel("general")
        await alice.says(f"{workspace.mention} rain?", general)
        await workspace.until(lambda: not workspace.unacknowledged)
        assert sorted(heard.kinds) == ["app_mention", "message"]
        assert (await alice.command("/parley", "tools", general)).text == "tools"


@pytest.mark.parametrize("how", [{"secret": "another"}, {"skew": -301.0}])
async def test_a_wrong_or_old_signature_is_not_believed(workspace: Workspace, how: Any) -> None:
    async with listening(workspace, **how) as heard:
        await workspace.person("Alice").says("rain?", workspace.channel("general"))
        await workspace.until(lambda: workspace.pusher and len(workspace.pusher.answers) == 4)
        assert workspace.pusher
        assert (workspace.pusher.answers, heard.bodies) == ([401] * 4, [])


async def test_failed_requests_come_again_with_number_and_reason(workspace: Workspace) -> None:
    async with listening(workspace) as heard:
        heard.deaf = True
        await workspace.person("Alice").says("rain?", workspace.channel("general"))
        await workspace.until(lambda: len(heard.retries) == 4)
    assert heard.retries == [("", ""), ("1", "http_error"), ("2", "http_error"), ("3", "http_error")]
