"""What is read of long threads: their beginning and their newest messages, in few calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.slack.past import PAGES
from adapters.slack.preparing import EARLIER
from tests.hand_clock import HandClock
from tests.simulators.slack import Post
from tests.slack_talk import Talk, talk_at


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def talk(tmp_path: Path, clock: HandClock) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path, clock=clock, limits=False) as made:
        yield made


def said_before(talk: Talk, clock: HandClock, *waits: float) -> Post:
    """A thread of Alice's, of which Parley hears nothing: the seconds before each of its messages."""
    root = Post(talk.general, talk.workspace.next_ts(), talk.alice.id, "root")
    talk.general.add(root)
    for number, wait in enumerate(waits):
        clock.advance(wait)
        post = Post(talk.general, talk.workspace.next_ts(), talk.alice.id, f"m{number}", root.ts)
        talk.general.add(post)
    return root


@pytest.mark.parametrize(
    "waits",
    [
        [0.0] * 2_300,
        [60.0] * 2_300,
        [60.0] * 210,
        [86_400.0] * 300 + [0.5] * 2_000,
        [1.0] * 2_000 + [86_400.0] * 80,
        [3_600.0] * 400 + [0.1] * 1_000 + [7_200.0] * 20,
    ],
    ids=["at once", "even", "just more than a page", "a burst at the end", "a burst first", "a burst before a lull"],
)
async def test_of_a_long_thread_the_newest_are_read(talk: Talk, clock: HandClock, waits: list[float]) -> None:
    talk.model.say("Noted.")
    root = said_before(talk, clock, *waits)
    clock.advance(1)
    await talk.answered(await talk.asks("sum up", thread=root))
    newest = [f"m{number}" for number in range(len(waits) - EARLIER, len(waits))]
    assert talk.model.heard() == ["root", *newest, "sum up"]
    assert talk.workspace.count("conversations.replies") <= PAGES
