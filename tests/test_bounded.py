"""A process that works on hostile input has what it needs for that, and nothing more."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tools import bounded


async def told(data: bytes = b"", **given: str) -> Any:
    found = await bounded.answer("tests.confined", data, given, seconds=30)
    return json.loads(found.said)


async def test_the_process_is_told_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = ["SLACK_BOT_TOKEN", "DISCORD_BOT_TOKEN", "OPENAI_API_KEY", "DATABASE_URL", "HTTPS_PROXY", "ANYTHING_ELSE"]
    for name in secrets:
        monkeypatch.setenv(name, "xoxb-secret")
    environment = (await told())["environment"]
    assert "xoxb-secret" not in environment.values()
    assert environment.keys() <= bounded.TOLD | {"LC_CTYPE", "__CF_USER_TEXT_ENCODING"}  # which Python and macOS add


async def test_the_process_is_told_where_things_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told_of = {"MPLCONFIGDIR": str(tmp_path), "LANG": "C.UTF-8", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    for name, value in told_of.items():
        monkeypatch.setenv(name, value)
    environment = (await told())["environment"]
    assert told_of.items() <= environment.items()
    assert environment["PATH"] == os.environ["PATH"]


async def test_the_process_works_without_any_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ.keys() - {"PYTHONPATH"}:  # which may say where the tests are
        monkeypatch.delenv(name)
    assert (await told())["written"] == 0


async def test_the_process_leaves_no_core_opens_few_files_and_lets_others_go_first() -> None:
    found = await told()
    assert found["limits"] == [[0, 0], [bounded.MOST_FILES] * 2]
    assert found["nice"] == min(os.nice(0) + bounded.NICER, 19)


@pytest.mark.parametrize(("length", "written"), [(1_000_000, 1_000_000), (bounded.LARGEST_FILE + 1, -1)])
async def test_the_process_writes_no_large_file(
    length: int, written: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert (await told(bytes(length), name="x"))["written"] == written
    assert (tmp_path / "x").stat().st_size <= bounded.LARGEST_FILE
