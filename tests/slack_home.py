"""Alice, an admin, at the Home tab of the simulated Slack: what she sees and presses, and what is recorded of it."""

from __future__ import annotations

from adapters.slack.dashboard import CHANGE
from bot.errors import StoreError
from bot.ports import Conversation
from bot.store import audit
from tests.simulators.slack import OpenView, Person
from tests.simulators.slack import blocks as block_kit
from tests.slack_talk import Talk

HERE = Conversation("slack", "T1", "", "")


def seen(talk: Talk, person: Person | None = None) -> str:
    """All that somebody, Alice by default, reads on the Home tab; empty while there is none."""
    view = talk.workspace.homes.get((person or talk.alice).id)
    return "\n".join([*block_kit.footnotes(view.view["blocks"]), view.text]) if view else ""


async def home(talk: Talk, person: Person | None = None) -> OpenView:
    """What somebody has before them who opens the tab."""
    person = person or talk.alice
    before = talk.workspace.count("views.publish")
    await person.opens_home()
    await talk.workspace.until(lambda: talk.workspace.count("views.publish") > before)
    return talk.workspace.homes[person.id]


async def presses(talk: Talk, name: str, value: str | None = None, *, then: str) -> None:
    """Alice presses a button, or chooses in a menu, of her Home tab, and reads `then` on it."""
    view = talk.workspace.homes.get(talk.alice.id) or await home(talk)
    await talk.alice.presses(view, f"home:{name}", value)
    await talk.workspace.until(lambda: then in seen(talk))


async def form(talk: Talk) -> OpenView:
    """The form for the assistant, as Alice opened it."""
    view = await home(talk)
    await talk.alice.presses(view, CHANGE)
    return talk.workspace.views[-1]


async def says(talk: Talk, text: str, who: Person | None = None) -> str:
    return (await (who or talk.alice).command("/parley", text, talk.general)).text


async def own_assistant(talk: Talk) -> None:
    """The workspace's own assistant, poet, answers."""
    await says(talk, "assistant create poet")
    await says(talk, "assistant use poet workspace")


async def recorded(talk: Talk) -> list[tuple[str, str, str, bool]]:
    """Who did what to what, and whether they might, oldest first."""
    entries = await talk.parley.core.database.read(lambda c: audit.newest_first(c, HERE, 50))
    return [(one.actor.name, one.action, one.target, one.allowed) for one in reversed(entries)]


async def broken(*_: object) -> None:
    raise StoreError("The disk is full.")
