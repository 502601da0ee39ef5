"""What README says is so: its commands, its links, its code, its transcript."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from types import ModuleType

import httpx2
import pytest
from typer.testing import CliRunner

from bot.cli import app
from tests.files import ready
from tests.process import LONGEST, ROOT, environment
from tests.simulators.open_meteo import open_meteo
from tests.tool_context import FakeContext
from tools.registry import Registry, Tool

README = (ROOT / "README.md").read_text()
PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


async def test_make_run_holds_the_conversation_of_the_transcript(tmp_path: Path) -> None:
    assert "make run\n" in blocks("sh")
    transcript = blocks("text")[0]
    questions = re.findall(r"› (.*)", transcript)
    expected = [line for line in transcript.splitlines() if line and line[0] not in "›c"]
    pipe = asyncio.subprocess.PIPE
    async with open_meteo() as weather:
        weather.weather("San Francisco", temperature=11.1, rain=21)
        weather.weather("Warsaw", temperature=3.9, rain=21)
        env = environment(ready(tmp_path / "parley.db"), weather.url)
        making = await asyncio.create_subprocess_exec(
            "make", "--silent", "run", cwd=ROOT, env=env, stdin=pipe, stdout=pipe, stderr=pipe
        )
        out, err = await asyncio.wait_for(making.communicate("\n".join(questions).encode()), LONGEST)
    assert (making.returncode, out.decode().splitlines()) == (0, expected)
    assert err.decode().splitlines() == [line for line in transcript.splitlines() if line.startswith("calling")]


def test_make_test_and_make_setup_are_targets() -> None:
    assert "make test\n" in blocks("sh")
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"make (\w+)", README)) <= {*targets, "on"}


@pytest.mark.parametrize("command", re.findall(r"\| `parley (\w+)", README))
def test_each_command_of_the_table_is_one(command: str) -> None:
    assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0


def test_the_table_names_every_command() -> None:
    named = set(re.findall(r"\| `parley (\w+)", README))
    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    groups = {group.name for group in app.registered_groups}
    assert commands | groups == named | {"serve"}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_named_files_exist(page: str) -> None:
    text = (ROOT / page).read_text()
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("http")]
    named = re.findall(r"`((?:bot|adapters|tools|tests)/[\w/.]+)`", text)
    assert [link for link in [*links, *named] if not (ROOT / link).exists()] == []


async def test_the_tool_of_ones_own_works() -> None:
    (code,) = (block for block in blocks("python") if "@tool" in block)
    module = ModuleType("dice")
    exec(compile(code, "dice.py", "exec", dont_inherit=True), module.__dict__)
    registry = Registry(value for value in vars(module).values() if isinstance(value, Tool))
    async with httpx2.AsyncClient() as http:
        rolled = await registry.execute("roll_dice", '{"sides": 2}', FakeContext(http), enabled=registry)
        refused = await registry.execute("roll_dice", '{"sides": 1}', FakeContext(http), enabled=registry)
    assert (rolled.output in ("1", "2"), refused.failed) == (True, True)
