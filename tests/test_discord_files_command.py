"""Admins give Parley files to search, by a command of Discord."""

from __future__ import annotations

from pathlib import Path

from adapters.discord.whisper import whisper
from bot.ports import Answer
from tests.discord_parley import talk_at


async def test_a_file_that_comes_with_the_command_is_read(tmp_path: Path) -> None:
    async with talk_at(tmp_path / "p.db", limits=False) as talk:
        file = talk.world.file("travel.txt", b"Hotels: up to 120 euro a night.", "text/plain")
        async with talk.parley(admins=(f"discord:{talk.alice.id}",)) as parley:
            used = await talk.alice.uses("/files add", talk.general, attachment=file, scope="channel")
            await talk.world.until(lambda: "I am reading travel.txt for this channel." in used.text)
            await parley.core.shelving.quiet()
            listed = await talk.alice.uses("/files list", talk.general)
            await talk.world.until(lambda: "travel.txt" in listed.text)
    assert listed.text == "For this channel:\n• travel.txt — 31 bytes, 1 passage"


async def test_a_file_that_is_added_among_two_is_for_nobody_else(tmp_path: Path) -> None:
    async with talk_at(tmp_path / "p.db", limits=False) as talk:
        file, room = talk.world.file("travel.txt", b"Hotels: up to 120 euro.", "text/plain"), talk.world.dm(talk.alice)
        async with talk.parley(admins=(f"discord:{talk.alice.id}",)) as parley:
            used = await talk.alice.uses("/files add", room, attachment=file)
            await talk.world.until(lambda: "I am reading travel.txt for this conversation." in used.text)
            await parley.core.shelving.quiet()
            listed = await talk.bob.uses("/files list", talk.world.dm(talk.bob))
            await talk.world.until(lambda: listed.text != "")
    assert listed.text.startswith("There are no files to search here.")


def test_what_one_person_is_told_is_no_link() -> None:
    assert whisper(Answer("[x](http://evil.com)")).text == "[x]\u200b(http://evil.com)"
