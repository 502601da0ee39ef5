"""Programs and people in the same threads: what was begun in Slack goes on over HTTP, and the other way round."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from sqlalchemy import select

from bot.api.call import Desk
from bot.api.routes import routes
from bot.commands.threads import ADMINS_ONLY, CONTINUED, FORMS, STILL_AT_WORK
from bot.store.schema import bindings
from bot.tenants import Tenant
from bot.web import serving
from tests.programs import KnownKeys
from tests.simulators.slack import Person, Post
from tests.slack_talk import Talk, talk_at

KEY = "key-of-the-workspace"


@dataclass(slots=True)
class Both:
    talk: Talk
    client: AsyncOpenAI

    async def thread(self, asked: Post) -> str:
        """The id of the thread of a conversation in Slack."""
        bound = await self.talk.parley.core.database.read(_bound)
        return next(id_ for place, id_ in bound if place == asked.ts)

    async def told(self, text: str, *, thread: Post | None = None, who: Person | None = None) -> str:
        """What a command comes to, as only who gave it reads it."""
        before = len(self.talk.whispers(who))
        await self.talk.asks(f"!{text}", thread=thread, who=who)
        await self.talk.workspace.until(lambda: len(self.talk.whispers(who)) > before)
        return self.talk.whispers(who)[-1]

    async def begun(self, *texts: str) -> str:
        """A thread that a program makes."""
        said: list[Any] = [{"role": "user", "content": text} for text in texts]
        return (await self.client.beta.threads.create(messages=said)).id

    async def ran(self, thread_id: str, **assistant: Any) -> Any:
        made = await self.client.beta.assistants.create(model="gpt-test", **assistant)
        return await self.client.beta.threads.runs.create_and_poll(
            thread_id=thread_id, assistant_id=made.id, poll_interval_ms=10
        )

    async def said(self, thread_id: str) -> list[str]:
        page = await self.client.beta.threads.messages.list(thread_id, order="asc")
        return [part.text.value for message in page.data for part in message.content if part.type == "text"]


async def _bound(connection: Any) -> list[tuple[str, str]]:
    return [(row.thread, row.thread_id) for row in await connection.execute(select(bindings))]


@asynccontextmanager
async def both_at(path: Path) -> AsyncIterator[Both]:
    async with talk_at(path, api=True, admins=("slack:U0000001",)) as talk:
        core = talk.parley.core
        desk = Desk(
            core.database, core.engine, core.handler, core.relay, core.library, core.clock, core.tools, core.indexing
        )
        keys = KnownKeys({KEY: Tenant("slack", talk.workspace.team_id), "other": Tenant("slack", "T9")})
        async with (
            serving(routes(desk, keys), 0, health=dict, host="127.0.0.1") as port,
            AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=KEY, max_retries=0) as client,
        ):
            yield Both(talk, client)
            await core.quiet()


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Both]:
    async with both_at(tmp_path) as made:
        yield made


# -- begun in Slack ---------------------------------------------------------------------------------------------------


async def test_a_thread_of_slack_goes_on_over_http_and_slack_shows_none_of_it(both: Both) -> None:
    both.talk.model.say("Cold.")
    asked = await both.talk.asks("How is Oslo?")
    assert await both.talk.answered(asked) == ["Cold."]
    thread = await both.thread(asked)
    page = await both.client.beta.threads.messages.list(thread, order="asc")
    authors = [(one.role, (one.metadata or {}).get("parley_author")) for one in page.data]
    assert authors == [("user", "Alice"), ("assistant", None)]
    await both.client.beta.threads.messages.create(thread, role="user", content="And Rome?")
    both.talk.model.say("Warm.")
    assert (await both.ran(thread)).status == "completed"
    assert await both.talk.answered(asked) == ["Cold."]
    assert await both.said(thread) == ["How is Oslo?", "Cold.", "And Rome?", "Warm."]
    both.talk.model.say("Oslo.")
    await both.talk.asks("Which is colder?", thread=asked)
    assert await both.talk.answered(asked) == ["Cold.", "Oslo."]
    assert "And Rome?" in str(both.talk.model.requests[-1].items)
    assert "Warm." in str(both.talk.model.requests[-1].items)


async def test_a_message_in_slack_waits_for_the_run_of_a_program(both: Both) -> None:
    both.talk.model.say("Cold.")
    asked = await both.talk.asks("How is Oslo?")
    await both.talk.answered(asked)
    thread = await both.thread(asked)
    gate = both.talk.model.hold("Warm")
    assistant = await both.client.beta.assistants.create(model="gpt-test")
    run = await both.client.beta.threads.runs.create(
        thread, assistant_id=assistant.id, additional_messages=[{"role": "user", "content": "And Rome?"}]
    )
    await both.talk.held(gate)
    both.talk.model.say("Both.")
    await both.talk.asks("Which of them?", thread=asked)
    await both.talk.workspace.until(lambda: not both.talk.workspace.unacknowledged)
    assert len(both.talk.model.requests) == 2
    gate.open()
    await both.client.beta.threads.runs.poll(run.id, thread_id=thread, poll_interval_ms=10)
    assert await both.talk.answered(asked) == ["Cold.", "Both."]
    assert "Warm" in str(both.talk.model.requests[-1].items)


async def test_a_program_waits_for_the_answer_that_slack_gets(both: Both) -> None:
    gate = both.talk.model.hold("Cold")
    asked = await both.talk.asks("How is Oslo?")
    await both.talk.held(gate)
    thread = await both.thread(asked)
    with pytest.raises(openai.BadRequestError, match="Can't add messages"):
        await both.client.beta.threads.messages.create(thread, role="user", content="And Rome?")
    with pytest.raises(openai.BadRequestError, match="while a run is active"):
        await both.client.beta.threads.delete(thread)
    gate.open()
    assert await both.talk.answered(asked) == ["Cold"]


# -- begun by a program -----------------------------------------------------------------------------------------------


async def test_a_thread_of_a_program_goes_on_in_slack(both: Both) -> None:
    both.talk.model.say("Cold.")
    thread = await both.begun("How is Oslo?")
    await both.ran(thread)
    both.talk.model.say("Yes?")
    asked = await both.talk.asks("Hello")
    await both.talk.answered(asked)
    assert await both.told("threads list", thread=asked) == f"• {thread} — {_today(both)}, How is Oslo?"
    assert await both.told(f"threads show {thread}", thread=asked) == "user: How is Oslo?\nParley: Cold."
    assert await both.told(f"threads continue {thread}", thread=asked) == CONTINUED.format(id=thread)
    both.talk.model.say("Take a coat.")
    await both.talk.asks("What to wear?", thread=asked)
    assert (await both.talk.answered(asked))[-1] == "Take a coat."
    seen = str(both.talk.model.requests[-1].items)
    assert ("How is Oslo?" in seen, "Cold." in seen, "Yes?" in seen) == (True, True, False)
    assert (await both.said(thread))[-2:] == ["What to wear?", "Take a coat."]
    await both.client.beta.threads.messages.create(thread, role="user", content="And gloves?")
    both.talk.model.say("Gloves too.")
    await both.ran(thread)
    assert (await both.talk.answered(asked))[-1] == "Take a coat."
    assert f"threads continue {thread}" in await both.told("audit 1", thread=asked)


def _today(both: Both) -> str:
    return datetime.fromtimestamp(both.talk.parley.core.clock.now(), UTC).strftime("%Y-%m-%d")


async def test_what_people_say_in_a_conversation_is_shown_and_continued_nowhere_else(both: Both) -> None:
    both.talk.model.say("Cold.")
    asked = await both.talk.asks("How is Oslo?")
    await both.talk.answered(asked)
    thread = await both.thread(asked)
    await both.told("new", thread=asked)
    for command in (f"threads show {thread}", f"threads continue {thread}"):
        assert (await both.told(command)).startswith(f"There is no thread “{thread}” of a program")
    mine = await both.begun("Mine.")
    assert await both.told(f"threads continue {mine}", thread=asked) == CONTINUED.format(id=mine)
    assert (await both.told(f"threads show {mine}")).startswith("There is no thread")
    assert (await both.told("threads list")).startswith("There are no threads of programs in this work")


async def test_threads_of_another_workspace_are_none(both: Both) -> None:
    async with AsyncOpenAI(base_url=both.client.base_url, api_key="other", max_retries=0) as other:
        theirs = (await other.beta.threads.create(messages=[{"role": "user", "content": "Theirs."}])).id
    for command in (f"threads show {theirs}", f"threads continue {theirs}"):
        assert (await both.told(command)).startswith(f"There is no thread “{theirs}” of a program")
    assert "Theirs" not in await both.told("threads list")


async def test_who_is_no_admin_sees_and_continues_none_and_that_is_recorded(both: Both) -> None:
    thread = await both.begun("How is Oslo?")
    for command in ("threads", f"threads show {thread}", f"threads continue {thread}"):
        assert await both.told(command, who=both.talk.bob) == ADMINS_ONLY
    assert "threads" not in await both.told("help", who=both.talk.bob)
    assert "threads [list|show ID|continue ID] — what" in await both.told("help")
    assert f"REFUSED threads continue {thread}" in await both.told("audit 1")


async def test_other_words_are_answered_with_the_forms(both: Both) -> None:
    for words in ("threads show", "threads open x", "threads list all"):
        assert await both.told(words) == FORMS


async def test_a_conversation_with_an_answer_in_the_making_goes_on_with_nothing_else(both: Both) -> None:
    thread = await both.begun("How is Oslo?")
    gate = both.talk.model.hold("Cold")
    asked = await both.talk.asks("How is Rome?")
    await both.talk.held(gate)
    assert await both.told(f"threads continue {thread}", thread=asked) == STILL_AT_WORK
    gate.open()
    assert await both.talk.answered(asked) == ["Cold"]
