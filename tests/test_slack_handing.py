"""What does not fit one private message on Slack: files, which come by direct message, and answers of many lines."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.slack import handing
from adapters.slack.handing import HERE, SENDING
from adapters.slack.manifest import SCOPES
from adapters.slack.telling import parts
from bot.commands.catalogue import Command, Commands
from bot.ports import Answer, CommandRequest, Document
from tests.simulators.slack import Person, Post
from tests.slack_talk import Talk, talk_at

CONTENT = '{"who": "Zoë <&>"}'.encode()
TOLD = f"Here is what I know.\n{SENDING}"
LINES = [f"{number:04} <{'é&' * 20}>" for number in range(100)]


@dataclass(frozen=True, slots=True)
class Wordy:
    """`hand` hands a file over, `list` has much to tell, `novel` more than five messages hold."""

    people_help: Sequence[str] = ()
    admin_help: Sequence[str] = ()

    @property
    def commands(self) -> Mapping[str, Command]:
        return {"hand": self._hand, "list": self._list, "novel": self._novel}

    async def _hand(self, _request: CommandRequest, _rest: str) -> Answer:
        return Answer("Here is what I know.", Document("known.json", "application/json", CONTENT))

    async def _list(self, _request: CommandRequest, _rest: str) -> str:
        return "\n".join(LINES)

    async def _novel(self, _request: CommandRequest, _rest: str) -> str:
        return "\n".join(LINES * 3)


@pytest.fixture
async def plain_talk(tmp_path: Path) -> AsyncIterator[Talk]:
    """With Parley's own commands."""
    async with talk_at(tmp_path) as made:
        yield made


@pytest.fixture
async def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Talk]:
    def groups(self: Commands) -> Sequence[object]:
        return [Wordy()]

    async with talk_at(tmp_path) as made:
        monkeypatch.setattr(type(made.parley.core.commands), "groups", property(groups))
        yield made


def direct(talk: Talk, person: Person | None = None) -> list[Post]:
    """What stands in the direct conversation with somebody, Alice by default."""
    return talk.workspace.posts(talk.workspace.dm(person or talk.alice))


async def handed(talk: Talk) -> None:
    """Alice, and nobody else, has the file."""
    await talk.workspace.until(lambda: direct(talk))
    assert [(post.text, [file.content for file in post.files]) for post in direct(talk)] == [(HERE, [CONTENT])]
    assert [(file.name, file.user) for file in direct(talk)[0].files] == [("known.json", talk.workspace.bot_user)]
    assert direct(talk, talk.bob) == []


# -- files ------------------------------------------------------------------------------------------------------------


async def test_a_file_comes_by_direct_message_to_whoever_asked(talk: Talk) -> None:
    answer = await talk.alice.command("/parley", "hand", talk.general)
    await handed(talk)
    assert (answer.text, talk.workspace.posts(talk.general)) == (TOLD, [])


async def test_it_comes_so_from_a_thread_too(talk: Talk) -> None:
    talk.model.say("Cold.")
    asked = await talk.asks("Oslo?")
    await talk.settled()
    await talk.asks("!hand", thread=asked)
    await handed(talk)
    assert (await talk.answered(asked), talk.whispers()) == (["Cold."], [TOLD])


async def test_asked_for_in_the_direct_conversation_it_comes_there(talk: Talk) -> None:
    said = await talk.alice.says("!hand", talk.workspace.dm(talk.alice))
    await talk.workspace.until(lambda: len(direct(talk)) == 2)
    assert next(post for post in direct(talk) if post is not said).files[0].content == CONTENT
    await talk.workspace.until(lambda: talk.whispers() == [TOLD])


async def test_it_comes_where_parley_is_in_no_channel(talk: Talk) -> None:
    await talk.alice.command("/parley", "hand", talk.workspace.channel("quiet", bot=False))
    await handed(talk)


async def test_what_is_stored_of_a_person_comes_to_that_person_only(plain_talk: Talk) -> None:
    talk = plain_talk
    talk.model.say("Cold.")
    talk.model.say("Warm.")
    await talk.answered(await talk.asks("Oslo?"))
    await talk.answered(await talk.asks("Rome?", who=talk.bob))
    await talk.alice.command("/parley", "export me", talk.general)
    await talk.workspace.until(lambda: direct(talk))
    ((file,),) = [post.files for post in direct(talk)]
    assert ("Oslo?" in file.content.decode(), "Rome?" in file.content.decode()) == (True, False)
    assert (json.loads(file.content) != {}, direct(talk, talk.bob)) == (True, [])


async def test_who_took_no_part_in_a_thread_gets_no_file_of_it(plain_talk: Talk) -> None:
    talk = plain_talk
    talk.model.say("Cold.")
    asked = await talk.asks("Oslo?")
    await talk.settled()
    await talk.asks("!export", thread=asked, who=talk.bob)
    await talk.workspace.until(lambda: talk.whispers(talk.bob))
    await talk.asks("!export", thread=asked)
    await talk.workspace.until(lambda: direct(talk))
    assert (direct(talk, talk.bob), b"Oslo?" in direct(talk)[0].files[0].content) == ([], True)


async def test_a_slow_upload_holds_no_acknowledgement_up(talk: Talk) -> None:
    gate = talk.workspace.holds("upload")
    answer = await talk.alice.command("/parley", "hand", talk.general)
    assert (answer.text, direct(talk)) == (TOLD, [])
    gate.release()
    await handed(talk)


async def test_a_scope_that_is_missing_is_named_in_private(talk: Talk) -> None:
    for scope in ("files:write", "im:write"):
        talk.workspace.grants({*SCOPES} - {scope})
        answer = await talk.alice.command("/parley", "hand", talk.workspace.channel(f"no-{scope[:2]}", bot=False))
        await talk.workspace.until(lambda answer=answer: len(answer) == 2)  # type: ignore[misc]
        assert answer[1]["text"].startswith(f"I could not send you the file: Slack wants the scope {scope} for ")
        assert answer[1]["response_type"] == "ephemeral"
    assert direct(talk) == []


async def test_a_failed_upload_is_told_in_private_where_it_was_asked_for(talk: Talk) -> None:
    talk.workspace.fails("upload", status=500)
    await talk.asks("!hand")
    await talk.workspace.until(lambda: len(talk.whispers()) == 2)
    failed = "I could not send you the file: Slack did not take it (HTTP 500). Please try again."
    assert sorted(talk.whispers()) == sorted([TOLD, failed])
    assert (talk.workspace.count("files.completeUploadExternal"), direct(talk)) == (0, [])


async def test_an_upload_that_takes_for_ever_is_given_up(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing, "PATIENCE", 0.05)
    gate = talk.workspace.holds("upload")
    answer = await talk.alice.command("/parley", "hand", talk.general)
    await talk.workspace.until(lambda: len(answer) == 2)
    assert answer[1]["text"] == "I could not send you the file: Slack is too slow. Please try again."
    gate.release()


async def test_a_file_is_shared_once_though_slack_does_not_say_so(talk: Talk) -> None:
    talk.workspace.fails("files.completeUploadExternal", after=True)
    answer = await talk.alice.command("/parley", "hand", talk.general)
    await talk.workspace.until(lambda: len(answer) == 2)
    assert "connection to Slack was lost" in answer[1]["text"]
    await handed(talk)


# -- long answers -----------------------------------------------------------------------------------------------------


async def test_a_long_answer_to_a_command_arrives_whole_and_in_order(talk: Talk) -> None:
    answer = await talk.alice.command("/parley", "list", talk.workspace.channel("quiet", bot=False))
    await talk.workspace.until(lambda: answer.text.count("\n") == len(LINES) - 1)
    assert plain(answer.text) == "\n".join(LINES)
    assert len(answer) > 1
    assert all(len(body["text"]) <= 4_000 and body["response_type"] == "ephemeral" for body in answer)


async def test_a_very_long_one_takes_no_more_responses_than_there_are(talk: Talk) -> None:
    answer = await talk.alice.command("/parley", "novel", talk.general)
    await talk.workspace.until(lambda: answer.text.count("\n") == 3 * len(LINES) - 1)
    assert (len(answer), plain(answer.text)) == (5, "\n".join(LINES * 3))


async def test_a_long_answer_in_a_thread_is_whispered_whole_and_in_order(talk: Talk) -> None:
    await talk.asks("!list")
    await talk.workspace.until(lambda: sum(text.count("\n") + 1 for text in talk.whispers()) == len(LINES))
    assert plain("\n".join(talk.whispers())) == "\n".join(LINES)
    assert all(len(text) <= 4_000 for text in talk.whispers())


@pytest.mark.parametrize("text", ["", "a", "<&>" * 5_000, "é\n" * 9_000, "x" * 50_000, "\n\na\n\n"])
def test_parts_lose_nothing_and_cut_no_escape(text: str) -> None:
    found = parts(text)
    assert all(0 < len(part) <= 4_000 for part in found)
    assert plain("".join(found)).replace("\n", "") == text.replace("\n", "")
    assert len(parts(text, most=5)) <= 5


def plain(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


async def test_whoever_leaves_waits_for_no_upload(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.asides.LEAVING", 0.01)
    gate = talk.workspace.holds("upload")
    await talk.alice.command("/parley", "hand", talk.general)
    await gate.reached()
    await talk.parley.adapter.close()
    gate.release()
    assert direct(talk) == []
