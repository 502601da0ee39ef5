"""Files that Slack tells little of, and answers to a download that are no file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.fetching import PAUSE
from adapters.pace import Pace
from adapters.slack import ears
from adapters.slack.calls import Calls, connect, limit
from adapters.slack.files import Files, described, is_slacks
from bot.errors import PlatformError
from tests.hand_clock import HandClock
from tests.simulators.serve import serve
from tests.slack_talk import Talk, talk_at


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path) as made:
        yield made


async def remarks(talk: Talk, name: str, content: bytes, mime: str) -> str:
    """What the author of a message with a file of another organisation reads below the answer."""
    hidden = talk.workspace.file(name, content, mime)
    hidden.hidden = True
    talk.model.say("Noted.")
    return (await talk.answered(await talk.asks("look", files=[hidden])))[-1].removeprefix("Noted.").strip()


async def test_a_hidden_file_is_known_by_its_name_and_kind(talk: Talk) -> None:
    assert await remarks(talk, "page.html", b"<!doctype html><p>It snows.", "text/html") == ""
    assert "page.html" in talk.spoken()[-1]
    assert "It snows." in talk.spoken()[-1]
    assert (await remarks(talk, "a.zip", b"PK", "application/zip")).startswith("a.zip was not read: I can read")
    assert (await remarks(talk, "a.png", bytes(8_000_001), "image/png")).endswith("it is larger than 8 MB.")


async def test_a_hidden_file_is_asked_for_at_the_download_where_slack_is_slow(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ears, "LOOK_UP", 0.05)
    gate = talk.workspace.holds("files.info")
    assert await remarks(talk, "a.txt", b"It snows.", "text/plain") == ""
    assert "It snows." in talk.spoken()[-1]
    gate.release()


async def failure(answer: Response) -> PlatformError:
    """What a download ends with that Slack answers like this."""

    async def given(_: Request) -> Response:
        return answer

    async with serve(Starlette(routes=[Route("/{path:path}", given)])) as url, aiohttp.ClientSession() as session:
        clock = HandClock()
        files = Files(Calls(connect("xoxb-1", url, session), Pace(clock, limit), clock), session, "xoxb-1", url)
        with pytest.raises(PlatformError) as failed:
            await files.download({"id": "F1", "url": f"{url}/a.txt"}, 100)
        return failed.value


@pytest.mark.parametrize(
    ("status", "headers", "pause"),
    [(429, {"Retry-After": "7"}, 7.0), (429, {}, PAUSE), (408, {}, PAUSE), (429, {"Retry-After": "soon"}, PAUSE)],
)
async def test_a_pause_is_not_the_end_of_a_download(status: int, headers: dict[str, str], pause: float) -> None:
    error = await failure(Response(status_code=status, headers=headers))
    assert (error.permanent, error.retry_after) == (False, pause)


async def test_what_is_refused_is_not_asked_for_again() -> None:
    assert (await failure(Response(status_code=404))).permanent


@pytest.mark.parametrize("location", ["http://[bad", "https://[::1", "//[", "\\\\evil.com", ""])
async def test_a_malformed_redirect_leads_nowhere(location: str) -> None:
    assert (await failure(Response(status_code=302, headers={"Location": location}))).permanent


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.com\\.slack.com/",
        "https://evil.com\t.slack.com/",
        "https://evil.com%2f.slack.com/",
        "https://me@files.slack.com/",
        "https://files.ſlack.com/",
        "https://[bad/",
        "https://evil.com#.slack.com/",
    ],
)
def test_a_host_that_only_looks_like_slack_s_gets_nothing(url: str) -> None:
    assert not is_slacks(url, "http://127.0.0.1:9/api/")


def test_a_file_is_described_in_whole_characters() -> None:
    told = {"id": "F1", "name": "a\ud800", "mimetype": "text/\ud800", "size": 1, "url_private": "https://x/\udfff"}
    [found] = described([told])
    assert (found["name"], found["mime"], found["url"]) == ("a\ufffd", "text/\ufffd", "https://x/\ufffd")
