"""The rules on who may import whom, and on sizes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("bot", "adapters", "tools")
SOURCES = sorted(path for package in OURS for path in (ROOT / package).rglob("*.py"))
SEAM = {"bot.ports", "bot.view", "bot.buttons", "bot.errors", "bot.assistants.types"}
PURE = {"sqlalchemy", "aiosqlite", "alembic", "httpx2", "openai", "slack_bolt", "slack_sdk", "discord", "starlette"}


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            module = node.module or ""
            inside = [f"{module}.{alias.name}" for alias in node.names]
            yield from [name for name in inside if is_module(name)] or [module]


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()


def package(module: str) -> str:
    return module.split(".")[0]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_imports_look_one_way_only(path: Path) -> None:
    name = named(path)
    found = {module for module in imports(path) if package(module) in (*OURS, "tests")}
    match package(name.replace("/", ".")):
        case "tools":
            allowed = {module for module in found if package(module) == "tools"}
        case "adapters":
            allowed = {module for module in found if module in SEAM or package(module) == "adapters"}
        case _ if name in ("bot/app.py", "bot/cli.py"):
            allowed = {module for module in found if package(module) != "tests"}
        case _:
            allowed = {module for module in found if package(module) in ("bot", "tools")}
    assert found - allowed == set()


@pytest.mark.parametrize("path", sorted((ROOT / "bot/assistants").glob("*.py")), ids=named)
def test_the_engine_knows_no_platform_no_sql_and_no_http(path: Path) -> None:
    found = set(imports(path))
    assert {package(module) for module in found} & PURE == set()
    assert not {module for module in found if module.startswith("bot.") and module not in known_to_the_engine()}


def known_to_the_engine() -> set[str]:
    inside = {f"bot.assistants.{path.stem}" for path in (ROOT / "bot/assistants").glob("*.py")}
    return inside | {"bot.clock", "bot.errors", "bot.models.port", "bot.models.retry"}


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_sql_stands_in_the_store_only(path: Path) -> None:
    if named(path).startswith("bot/store/"):
        return
    names = {module for module in imports(path) if package(module) in ("sqlalchemy", "sqlite3", "alembic", "aiosqlite")}
    assert names <= {"sqlalchemy.ext.asyncio"}  # the type of the connection that operations are handed


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_files_and_functions_keep_their_size(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, f"{node.name} is too long"


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_every_file_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))
