"""Whatever goes wrong between Slack and Parley: each question has exactly one whole answer in the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.clock import SystemClock
from tests.scripted_model import ScriptedModel
from tests.simulators.slack import Channel, Post, Workspace, slack
from tests.slack_parley import answers, slack_parley

HELD = "The first half"
REST = ", and the second."


class Hasty(SystemClock):
    """Time that runs ten times as fast, for Slack and Parley alike: what Slack asks for is waited for."""

    def __init__(self) -> None:
        self._begun = time.time()

    def now(self) -> float:
        return self._begun + (time.time() - self._begun) * 10

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 10)

    def until(self, moment: float) -> asyncio.Timeout:
        return asyncio.timeout((moment - self.now()) / 10)


@pytest.fixture
def hasty() -> Hasty:
    return Hasty()


@pytest.fixture
async def workspace(hasty: Hasty) -> AsyncIterator[Workspace]:
    async with slack(now=hasty.now) as made:
        made.person("Alice")
        made.channel("general")
        yield made


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


def general(workspace: Workspace) -> Channel:
    return next(iter(workspace.channels.values()))


async def asks(workspace: Workspace, text: str = "what now?") -> Post:
    alice = next(iter(workspace.people.values()))
    return await alice.says(f"{workspace.mention} {text}", general(workspace))


async def answered(workspace: Workspace, asked: Post, *texts: str) -> None:
    """The thread shows these answers, whole, and nothing else of ours; nobody waits any more."""
    where = general(workspace)
    await workspace.until(lambda: answers(workspace, where, asked) == [*texts], seconds=40)
    session = workspace.session(where, asked)
    await workspace.until(lambda: session is None or session.status == "active")
    assert workspace.status(where, asked) == ""


async def test_an_event_that_is_delivered_again_changes_nothing(
    workspace: Workspace, model: ScriptedModel, tmp_path: Path
) -> None:
    model.say("Once.")
    async with slack_parley(tmp_path / "p.db", model, workspace) as parley:
        asked = await asks(workspace)
        await answered(workspace, asked, "Once.")
        await workspace.redeliver()
        await workspace.until(lambda: not workspace.unacknowledged)
        await parley.quiet()
        await answered(workspace, asked, "Once.")


async def test_an_acknowledgement_that_is_lost_costs_nothing(
    workspace: Workspace, model: ScriptedModel, tmp_path: Path
) -> None:
    workspace.lose_acks(4)
    workspace.patience = 0.2
    model.say("Once.")
    async with slack_parley(tmp_path / "p.db", model, workspace) as parley:
        asked = await asks(workspace)
        await answered(workspace, asked, "Once.")
        await workspace.until(lambda: not workspace.unacknowledged)
        await parley.quiet()
        await answered(workspace, asked, "Once.")


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "link_disabled"])
async def test_a_socket_that_slack_closes_is_opened_anew(
    workspace: Workspace, model: ScriptedModel, tmp_path: Path, reason: str
) -> None:
    gate = model.hold(HELD)
    model.say("Later.")
    async with slack_parley(tmp_path / "p.db", model, workspace):
        asked = await asks(workspace)
        await gate.reached.wait()
        await workspace.disconnect(reason=reason)
        await workspace.connected()
        later = await asks(workspace, "and now?")
        gate.open()
        await answered(workspace, asked, HELD)
        await answered(workspace, later, "Later.")


async def test_what_is_asked_while_it_is_down_is_answered_when_it_is_back(
    workspace: Workspace, model: ScriptedModel, tmp_path: Path
) -> None:
    asked = await asks(workspace)
    model.say("Here I am.")
    async with slack_parley(tmp_path / "p.db", model, workspace):
        await answered(workspace, asked, "Here I am.")


@pytest.mark.parametrize("method", ["agents.sessions.setStatus", "chat.startStream", "chat.stopStream", "users.info"])
@pytest.mark.parametrize("fault", ["429", "503", "lost", "dropped"])
async def test_a_call_that_fails_does_not_fail_the_answer(
    workspace: Workspace, hasty: Hasty, model: ScriptedModel, tmp_path: Path, method: str, fault: str
) -> None:
    match fault:
        case "429":
            workspace.fails(method, status=429, retry_after=1, times=2)
        case "503":
            workspace.fails(method, status=503)
        case "lost":
            workspace.fails(method, after=True)
        case "dropped":
            workspace.fails(method, drop=True)
    model.call(("forecast", {"place": "Oslo"}))
    model.say("Cold ", "there.")
    async with slack_parley(tmp_path / "p.db", model, workspace, clock=hasty):
        asked = await asks(workspace)
        await answered(workspace, asked, "Cold there.")


@pytest.mark.parametrize("fault", ["429", "503", "lost"])
async def test_a_post_that_fails_is_looked_up_before_it_is_made_again(
    workspace: Workspace, hasty: Hasty, model: ScriptedModel, tmp_path: Path, fault: str
) -> None:
    workspace.offers(streaming=False, sessions=False)
    if fault == "lost":
        workspace.fails("chat.postMessage", after=True, times=2)
    else:
        workspace.fails("chat.postMessage", status=int(fault), retry_after=1, times=2)
    model.say("Once ", "and whole.")
    async with slack_parley(tmp_path / "p.db", model, workspace, clock=hasty):
        asked = await asks(workspace)
        await answered(workspace, asked, "Once and whole.")


async def test_an_archived_channel_ends_the_matter(
    workspace: Workspace, hasty: Hasty, model: ScriptedModel, tmp_path: Path
) -> None:
    gate = model.hold(HELD)
    async with slack_parley(tmp_path / "p.db", model, workspace, clock=hasty) as parley:
        asked = await asks(workspace)
        await gate.reached.wait()
        general(workspace).archive()
        gate.open()
        await parley.quiet()
        calls = len(workspace.calls)
        assert answers(workspace, general(workspace), asked) in ([], [HELD])
        assert calls < 25


async def test_a_revoked_token_is_no_storm(
    workspace: Workspace, hasty: Hasty, model: ScriptedModel, tmp_path: Path
) -> None:
    gate = model.hold(HELD)
    async with slack_parley(tmp_path / "p.db", model, workspace, clock=hasty) as parley:
        await asks(workspace)
        await gate.reached.wait()
        workspace.revoke()
        gate.open()
        await parley.quiet()
        assert len([call for call in workspace.calls if call.error == "token_revoked"]) < 10


@pytest.mark.usefixtures("impatient")
async def test_it_answers_after_a_restart_in_mid_answer(
    workspace: Workspace, model: ScriptedModel, tmp_path: Path
) -> None:
    model.call(("forecast", {"place": "Oslo"}))
    gate = model.hold(HELD)
    async with slack_parley(tmp_path / "p.db", model, workspace):
        asked = await asks(workspace)
        await gate.reached.wait()
        await workspace.until(lambda: answers(workspace, general(workspace), asked))
    again = ScriptedModel()
    again.say(HELD, REST)
    async with slack_parley(tmp_path / "p.db", again, workspace):
        await answered(workspace, asked, HELD + REST)
    assert again.outputs() == ["Snow in Oslo."]
