"""The simulated Discord's REST interface, called with the real discord.py."""

from __future__ import annotations

import io
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import discord
import pytest
from discord.http import Route

from tests.discord_room import Room, discord_room, error
from tests.simulators.discord import CREATE, EDIT, Permission
from tests.simulators.discord import discord as simulated


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with discord_room() as made:
        yield made


async def posts(room: Room, **body: Any) -> Any:
    """A message as no client would send it."""
    route = Route("POST", "/channels/{channel_id}/messages", channel_id=room.general.id)
    return await room.bot.http.request(route, json=body)


async def problems(call: Any) -> Any:
    """The nested errors of an invalid form."""
    with pytest.raises(discord.HTTPException) as refused:
        await call
    assert refused.value.code == 50035
    return refused.value.text


async def test_a_post_is_read_back_and_edited(room: Room) -> None:
    posted = await room.at().send("It rains.")
    await posted.edit(content="It rained.")
    read = await room.at().fetch_message(posted.id)
    assert (read.content, read.edited_at is not None) == ("It rained.", True)
    [shown] = room.general.messages
    assert (shown.text, shown.versions, shown.edited) == ("It rained.", ["It rains.", "It rained."], True)


async def test_a_deleted_message_is_unknown(room: Room) -> None:
    posted = await room.at().send("It rains.")
    await posted.delete()
    assert room.general.messages == []
    assert await error(posted.edit(content="No.")) == (404, 10008)
    assert await error(room.at().fetch_message(posted.id)) == (404, 10008)


async def test_messages_are_listed_around_each_other(room: Room) -> None:
    said = [await room.alice.says(text, room.general) for text in "abcde"]
    middle = discord.Object(int(said[2].id))

    async def listed(**where: Any) -> str:
        return "".join([message.content async for message in room.at().history(**where)])

    assert await listed(limit=2) == "ed"
    assert await listed(limit=2, before=middle) == "ba"
    assert await listed(limit=2, after=middle) == "de"
    assert await listed(limit=3, around=middle) == "dcb"


async def test_only_own_messages_are_edited(room: Room) -> None:
    of_alice = await room.alice.says("hi", room.general)
    assert await error(room.own(of_alice).edit(content="no")) == (403, 50005)
    assert await error(room.own(of_alice).delete()) == (403, 50013)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"content": "c" * 2001}, "content: Must be 2000 or fewer in length."),
        ({"embeds": [{"title": "t" * 257}]}, "embeds.0.title: Must be 256 or fewer in length."),
        ({"embeds": [{"description": "d" * 4000}] * 2}, "embeds: Embed size exceeds maximum size of 6000"),
        ({"embeds": [{"title": "t"}] * 11}, "embeds: Must be 10 or fewer in length."),
        ({"content": "c", "nonce": "n" * 26}, "nonce: Must be 25 or fewer in length."),
    ],
)
async def test_what_is_too_long_is_refused_at_its_place(room: Room, body: dict[str, Any], place: str) -> None:
    assert place in await problems(posts(room, **body))
    assert room.general.messages == []


def row(*ids: str) -> dict[str, Any]:
    return {"type": 1, "components": [{"type": 2, "style": 1, "label": "Again", "custom_id": id_} for id_ in ids]}


@pytest.mark.parametrize(
    ("components", "place"),
    [
        ([row(f"c{number}") for number in range(6)], "components: Must be between 1 and 5 in length."),
        ([row("c" * 101)], "components.0.components.0.custom_id: Must be 100 or fewer in length."),
        ([row(*"abcdef")], "components.0.components: Must be 5 or fewer in length."),
        ([row("same", "same")], "components: Component custom id cannot be duplicated"),
    ],
)
async def test_components_have_their_limits(room: Room, components: list[dict[str, Any]], place: str) -> None:
    assert place in await problems(posts(room, content="Well?", components=components))


async def test_an_empty_message_and_a_large_file_are_refused(room: Room) -> None:
    assert await error(room.at().send("")) == (400, 50006)
    large = discord.File(io.BytesIO(b"x" * (10 * 1024 * 1024 + 1)), "large.txt")
    assert await error(room.at().send(file=large)) == (413, 40005)


async def test_a_body_of_no_described_type_fails_the_test() -> None:
    async def mistaken(body: dict[str, Any]) -> None:
        async with discord_room() as room:
            await problems(posts(room, **body))

    for body in ({"content": 5}, {"content": "c", "colour": "red"}, {"embeds": [{"title": "t", "color": "red"}]}):
        with pytest.raises(AssertionError, match=r"POST /channels/\{channel_id\}/messages"):
            await mistaken(body)


async def test_a_route_that_is_not_simulated_fails_the_test() -> None:
    async def elsewhere() -> None:
        async with discord_room() as room:
            assert await error(room.bot.http.request(Route("GET", "/sticker-packs"))) == (404, 0)

    with pytest.raises(AssertionError, match="not simulated: GET /sticker-packs"):
        await elsewhere()


async def test_an_enforced_nonce_makes_one_message(room: Room) -> None:
    first = await posts(room, content="It rains.", nonce="run-1.0", enforce_nonce=True)
    again = await posts(room, content="It rains.", nonce="run-1.0", enforce_nonce=True)
    assert (again["id"], again["nonce"], len(room.general.messages)) == (first["id"], "run-1.0", 1)
    room.clock.advance(301)
    late = await posts(room, content="It rains.", nonce="run-1.0", enforce_nonce=True)
    assert late["id"] != first["id"]
    assert [message.nonce for message in room.general.messages] == ["run-1.0", "run-1.0"]


async def test_a_nonce_that_is_not_enforced_means_nothing(room: Room) -> None:
    for _ in range(2):
        await posts(room, content="It rains.", nonce="run-1.0")
    assert len(room.general.messages) == 2


async def test_mentions_ping_those_whom_they_may(room: Room) -> None:
    team = room.guild.role("Team", mentionable=True)
    text = f"@everyone {team.mention} {room.alice.mention}"
    await room.at().send(text)
    await room.at().send(text, allowed_mentions=discord.AllowedMentions.none())
    await room.at().send(text, allowed_mentions=discord.AllowedMentions(users=True, roles=False, everyone=False))
    pinged = [message.pinged for message in room.general.messages]
    assert pinged == [[room.alice.mention, team.mention], [], [room.alice.mention]]


async def test_a_reply_pings_its_author_unless_told_otherwise(room: Room) -> None:
    question = room.own(await room.alice.says("rain?", room.general))
    await question.reply("Yes.")
    await question.reply("Yes.", allowed_mentions=discord.AllowedMentions.none())
    assert [message.pinged for message in room.general.messages] == [[], [room.alice.mention], []]
    assert room.general.messages[1].reply_to is room.general.messages[0]


async def test_a_reply_to_nothing_is_refused(room: Room) -> None:
    nothing = discord.MessageReference(message_id=1, channel_id=int(room.general.id))
    assert "Unknown message" in await problems(room.at().send("Yes.", reference=nothing))
    nothing.fail_if_not_exists = False
    await room.at().send("Yes.", reference=nothing)
    assert room.general.messages[0].reply_to is None


async def test_files_go_up_and_come_down(room: Room) -> None:
    posted = await room.at().send("Here.", file=discord.File(io.BytesIO(b"mm\n3\n"), "rain.csv", description="rain"))
    assert [(file.name, file.content, file.description) for file in room.general.messages[0].files] == [
        ("rain.csv", b"mm\n3\n", "rain")
    ]
    [attachment] = posted.attachments
    assert (await attachment.read(), attachment.content_type) == (b"mm\n3\n", "text/csv")
    await posted.edit(attachments=[discord.File(io.BytesIO(b"mm\n4\n"), "rain.csv")])
    assert [file.content for file in room.general.messages[0].files] == [b"mm\n4\n"]


async def test_the_address_of_a_file_is_good_for_a_day(room: Room) -> None:
    said = await room.alice.says("see", room.general, files=[room.world.file("a.txt", b"a")])
    [attachment] = (await room.own(said).fetch()).attachments
    assert await attachment.read() == b"a"
    room.clock.advance(86_401)
    assert await error(attachment.read()) == (404, 0)
    assert await (await room.own(said).fetch()).attachments[0].read() == b"a"


async def test_permissions_are_asked_for(room: Room) -> None:
    hidden, mute = room.guild.channel("hidden", bot=False), room.guild.channel("mute")
    mute.denies(Permission.SEND_MESSAGES, Permission.READ_MESSAGE_HISTORY)
    await room.alice.says("hi", mute)
    assert await error(room.at(hidden).send("hi")) == (403, 50001)
    assert await error(room.at(mute).send("hi")) == (403, 50013)
    assert [message async for message in room.at(mute).history()] == []
    assert await error(room.bot.fetch_channel(1)) == (404, 10003)
    room.guild.withholds(Permission.ATTACH_FILES)
    assert await error(room.at().send(file=discord.File(io.BytesIO(b"a"), "a.txt"))) == (403, 50013)


async def test_people_and_their_roles_are_told(room: Room) -> None:
    admin = room.guild.person("Ada", nick="Boss", admin=True)
    guild = await room.bot.fetch_guild(int(room.guild.id))
    member = await guild.fetch_member(int(admin.id))
    assert (member.display_name, member.guild_permissions.manage_guild) == ("Boss", True)
    assert not (await guild.fetch_member(int(room.alice.id))).guild_permissions.manage_guild
    assert await error(guild.fetch_member(1)) == (404, 10007)


async def test_a_direct_conversation_is_opened_from_either_side(room: Room) -> None:
    user = await room.bot.fetch_user(int(room.alice.id))
    await user.send("Only for you.")
    assert [message.text for message in room.world.dm(room.alice).messages] == ["Only for you."]
    room.alice.closed = True
    assert await error(user.send("Again.")) == (403, 50007)


async def test_typing_shows_until_the_answer(room: Room) -> None:
    seen = []
    await room.at().typing()
    seen.append(room.general.typing)
    room.clock.advance(10)
    seen.append(room.general.typing)
    await room.at().typing()
    seen.append(room.general.typing)
    await room.at().send("Yes.")
    assert [*seen, room.general.typing] == [True, False, True, False]


async def test_the_app_says_which_intents_it_has(room: Room) -> None:
    assert (await room.bot.application_info()).flags.gateway_message_content_limited
    room.world.grants(message_content=False)
    assert not (await room.bot.application_info()).flags.gateway_message_content_limited


async def test_without_the_intent_rest_shows_what_mentions_the_app(room: Room) -> None:
    room.world.grants(message_content=False)
    await room.alice.says("secret", room.general)
    await room.alice.says(f"{room.world.mention} rain?", room.general)
    await room.at().send("Yes.")
    read = [message.content async for message in room.at().history(oldest_first=True)]
    assert read == ["", f"{room.world.mention} rain?", "Yes."]


async def test_a_wrong_token_is_refused(room: Room) -> None:
    client = discord.Client(intents=discord.Intents.none())
    with pytest.raises(discord.LoginFailure):
        await client.login("wrong")
    await client.close()


async def test_creates_and_edits_share_the_bucket_of_their_channel() -> None:
    async with simulated() as world:
        general = world.guild("Acme").channel("general")
        url = f"{world.api_url}/channels/{general.id}/messages"
        async with aiohttp.ClientSession(headers={"Authorization": f"Bot {world.token}"}) as session:
            first = await session.post(url, json={"content": "…"})
            id_ = (await first.json())["id"]
            for text in "abcd":
                answer = await session.patch(f"{url}/{id_}", json={"content": text})
            assert answer.headers["X-RateLimit-Remaining"] == "0"
            assert answer.headers["X-RateLimit-Bucket"] == first.headers["X-RateLimit-Bucket"]
            refused = await session.patch(f"{url}/{id_}", json={"content": "e"})
            body = await refused.json()
            assert (refused.status, refused.headers["X-RateLimit-Scope"]) == (429, "user")
            assert 0 < body["retry_after"] <= 5
            assert "Via" in refused.headers
        assert (world.limited, general.messages[0].text) == (1, "d")


async def test_the_client_keeps_to_the_headers_by_itself() -> None:
    async with discord_room(now=time.time) as room:
        room.world.limits.allow("messages", 2, 0.05)
        for _ in range(6):
            await room.at().send("hi")
        assert (room.world.limited, len(room.general.messages)) == (0, 6)


async def test_the_global_limit_holds_for_all_routes_together(room: Room) -> None:
    room.world.limits.allow("global", 1, 60)
    await room.at().send("hi")
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {room.world.token}"}) as session:
        refused = await session.get(f"{room.world.api_url}/users/@me")
        assert (refused.status, refused.headers["X-RateLimit-Global"]) == (429, "true")
        assert (await refused.json())["global"] is True


async def test_limits_can_be_off() -> None:
    async with discord_room(limits=False) as room:
        for _ in range(60):
            await room.at().send("hi")
        assert (room.world.limited, room.world.count(CREATE)) == (0, 60)


async def test_a_refused_call_is_made_again_by_the_client(room: Room) -> None:
    room.world.fails(CREATE, status=429, retry_after=0.01, times=2)
    await room.at().send("hi")
    assert [call.status for call in room.world.calls if call.route == CREATE] == [429, 429, 200]


async def test_a_ban_is_no_rate_limit(room: Room) -> None:
    room.world.fails(CREATE, banned=True)
    assert await error(room.at().send("hi")) == (429, 0)


async def test_a_lost_answer_leaves_its_effect(room: Room) -> None:
    room.world.fails(CREATE, after=True)
    room.world.fails(CREATE, drop=True)
    for _ in range(2):
        with pytest.raises(aiohttp.ClientError):
            await room.at().send("Yes.")
    assert [message.text for message in room.general.messages] == ["Yes."]


async def test_a_route_fails_as_often_as_it_was_told(room: Room) -> None:
    posted = await room.at().send("…")
    room.world.fails(EDIT, status=503, times=2)
    for _ in range(2):
        assert await error(posted.edit(content="Yes.")) == (503, 0)
    await posted.edit(content="Yes.")
    assert [call.status for call in room.world.calls if call.route == EDIT] == [503, 503, 200]
    with pytest.raises(LookupError):
        room.world.fails("POST /nowhere")


async def test_waiting_in_vain_tells_what_is_there(room: Room) -> None:
    await room.alice.says("rain?", room.general)
    await room.at().send("Yes.")
    with pytest.raises(
        TimeoutError, match=r"(?s)Alice: rain\?.*Parley: Yes\..*POST /channels/\{channel_id\}/messages 200"
    ):
        await room.world.until(lambda: False, seconds=0.01)
