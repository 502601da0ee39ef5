"""What the model reads of the code that it ran, what it is told of the sandbox, and the charts that a person sees."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.toolbox import shows_nothing
from tests.parley import parley_at
from tests.scripted_model import ScriptedModel
from tests.tool_context import Bench, FakeContext, open_bench
from tools.charts import Undrawn
from tools.code_interpreter import LONGEST_CODE, NOTHING, UNSHOWN, code_interpreter
from tools.monty import LONGEST_PRINT, Ran
from tools.registry import Registry, ToolResult
from tools.sandbox import Busy, Sandbox, Unavailable
from tools.values import LONGEST_VALUE

AS_BEFORE = "Variables are as they were before this call."


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with open_bench() as opened:
        yield opened


async def run(bench: Bench, code: str) -> str:
    """What the model reads."""
    result = await bench.run("code_interpreter", code=code)
    assert not result.failed, result.output
    return result.output


def described(bench: Bench) -> str:
    return " ".join(bench.registry["code_interpreter"].description.split())


# -- output ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "read"),
    [
        ("print('a', 1)\nprint('b')", "a 1\nb"),
        ("2**10", "Result: 1024"),
        ("print('a')\n'b'", "a\nResult: 'b'"),
        ("x = 1", NOTHING),
        ("print()", NOTHING),
        ("None", NOTHING),
        ("print('bell \\a, \\x1b[31m, \\0')", "bell \ufffd, \ufffd[31m, \ufffd"),
        (
            "print('\\u202ea\\u2066b\\u200bc\\U000e0041d\\u3164e\\x9bf\\ufeffg')",
            "\ufffda\ufffdb\ufffdc\ufffdd\ufffde\ufffdf\ufffdg",
        ),
        (
            "print('\\U0001f469\\u200d\\U0001f4bb \\u2764\\ufe0f \\u0645\\u06cc\\u200c')",
            "\U0001f469\u200d\U0001f4bb \u2764\ufe0f \u0645\u06cc\u200c",
        ),
        ("[1, (2,), {3}, set(), {'a': [None, True]}]", "Result: [1, (2,), {3}, set(), {'a': [None, True]}]"),
        ("class A: pass\na = A()\na.x = 'y'\n(a, print, len)", "Result: (A(x='y'), <print>, <len>)"),
        ("from decimal import Decimal\nDecimal('0.10')", "Result: Decimal('0.10')"),
        ("10**5000", "Result: <an integer of 16,610 bits>"),
        ("x = []\nfor i in range(100000): x = [x]\nx", f"Result: {'[' * 20}…{']' * 20}"),
    ],
)
async def test_output_is_what_was_printed_and_the_last_value(bench: Bench, code: str, read: str) -> None:
    assert await run(bench, code) == read


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        (
            "[{'n': 1, 't': 'a|b'}, {'n': 2, 't': 'c\\nd'}]",
            ["| n | t |", "| --- | --- |", "| 1 | a\\|b |", "| 2 | c d |"],
        ),
        ("[(1, 2.5), (3, None)]", ["|  |  |", "| --- | --- |", "| 1 | 2.5 |", "| 3 | None |"]),
        ("[('city', 'people'), ('Oslo', 7)]", ["| city | people |", "| --- | --- |", "| Oslo | 7 |"]),
        (
            "from collections import namedtuple\nP = namedtuple('P', 'a b')\n[P(1, 2)]",
            ["| a | b |", "| --- | --- |", "| 1 | 2 |"],
        ),
        (
            "from dataclasses import dataclass\n@dataclass\nclass P:\n  a: int\n[P(1), P(2)]",
            ["| a |", "| --- |", "| 1 |", "| 2 |"],
        ),
    ],
)
async def test_rows_come_back_as_a_table(bench: Bench, code: str, lines: list[str]) -> None:
    assert (await run(bench, code)).split("\n") == ["Result:", "", *lines]


@pytest.mark.parametrize(
    "code", ["[1, 2]", "[]", "[{}]", "[(1, 2), (3,)]", "[{'a': 1}, {'b': 2}]", "[{1: 2}]", "['ab']"]
)
async def test_what_is_no_table_comes_back_as_a_value(bench: Bench, code: str) -> None:
    assert await run(bench, code) == f"Result: {code}"


async def test_a_table_has_so_many_rows_and_columns_and_characters(bench: Bench) -> None:
    read = await run(bench, "[{f'c{i}': 'x' * 200 for i in range(30)} for j in range(1000)]")
    lines = read.split("\n")[2:]
    assert lines[-2:] == ["(950 more rows)", "(18 more columns)"]
    assert lines[2] == f"| {' | '.join(['x' * 80 + '…'] * 12)} |"
    assert len(lines) == 2 + 50 + 2


async def test_a_value_that_is_small_in_memory_and_endless_in_writing_is_cut(bench: Bench) -> None:
    begun = time.perf_counter()
    read = await run(bench, "x = [1] * 1000\nfor i in range(6): x = [x, x, x] * 300\n{'x': x}")
    assert len(read) <= LONGEST_VALUE + 20
    assert time.perf_counter() - begun < 5


async def test_much_that_is_printed_is_cut(bench: Bench) -> None:
    read = await run(bench, "print('x' * 30_000)\n5")
    assert read == f"{'x' * LONGEST_PRINT}\n[only the first 20,000 characters of what was printed]\nResult: 5"


async def test_an_error_comes_with_what_was_printed_and_the_line(bench: Bench) -> None:
    read = await run(bench, "def half(x):\n    return x / 0\n\nprint('before')\nhalf(3)")
    assert read.startswith("before\nTraceback (most recent call last):\n")
    assert "line 5, in <module>\n    half(3)\n" in read
    assert "line 2, in half\n    return x / 0\n" in read
    assert read.endswith("\nZeroDivisionError: division by zero")


async def test_an_endless_error_is_cut_in_the_middle(bench: Bench) -> None:
    read = await run(bench, "raise ValueError('x' * 10**6 + 'the end')")
    assert read.startswith("Traceback")
    assert read.endswith("the end")
    assert len(read) < 2_100


async def test_what_is_ended_says_what_variables_are_left(bench: Bench) -> None:
    await run(bench, "x = 1")
    assert (await run(bench, "x = 'a' * 10**9")).endswith(f"bytes\n{AS_BEFORE}")
    assert await run(bench, "x") == "Result: 1"


async def test_variables_that_are_too_large_are_said_not_to_be_kept(bench: Bench) -> None:
    read = await run(bench, "x = b'a' * (10 * 1024 * 1024)")
    assert read == f"The variables are too large to be kept.\n{AS_BEFORE}"


async def test_code_that_is_too_long_is_an_error(bench: Bench) -> None:
    error = await bench.error("code_interpreter", code="1" * (LONGEST_CODE + 1))
    assert error == "The code may have 50,000 characters."


async def test_another_run_does_not_see_the_variables(bench: Bench) -> None:
    await run(bench, "x = 1")
    other = replace(bench, context=replace(bench.context, run_id="run_2"))
    assert "NameError" in await run(other, "x")


class OutOfOrder(Sandbox):
    def __init__(self, became: Ran | Exception) -> None:
        super().__init__()
        self._became = became

    async def run(self, run_id: str, code: str) -> Ran:
        if isinstance(self._became, Exception):
            raise self._became
        return self._became


@pytest.mark.parametrize(
    ("became", "told"),
    [
        (Busy(), "The sandbox is busy. Try again in a moment."),
        (Unavailable(), "Code cannot be run at the moment."),
        (Ran(gone=True), "Variables from before are gone, so the code was not run. Define them again."),
    ],
)
async def test_code_that_was_not_run_is_a_failed_call(bench: Bench, became: Ran | Exception, told: str) -> None:
    out = replace(bench, context=replace(bench.context, sandbox=OutOfOrder(became)))
    assert await out.error("code_interpreter", code="1") == told


# -- what the description says --------------------------------------------------------------------------------------

WORKING = {
    "Functions": "def f(a, *b, c=1, **d): return a + c\nf(1, 2, c=3)",
    "lambdas": "sorted([3, 1], key=lambda x: -x)",
    "comprehensions": "[x for x in range(3)], {x for x in [1]}, {x: 1 for x in [1]}",
    "f-strings": "f'{1.234:.2f} {3!r:>4} {1_000:,}'",
    "match": "match [1, 2]:\n  case [a, b]: x = a + b\nx",
    "try": "try: 1 / 0\nexcept ZeroDivisionError as e: x = str(e)\nfinally: y = 1\nx, y",
    "decorators on functions": "def twice(f): return lambda x: f(f(x))\n@twice\ndef g(x): return x + 1\ng(1)",
    "classes": "class A:\n  def __init__(self, x): self.x = x\n  def f(self): return self.x\nA(3).f()",
    "dataclasses": "from dataclasses import dataclass\n@dataclass\nclass P:\n  x: int = 1\nP().x",
    "(Counter, defaultdict, deque, namedtuple)": "from collections import Counter, defaultdict, deque, namedtuple",
}

MISSING = {
    "no files": "open('x')",
    "no input": "input()",
    "yield": "def f():\n  yield 1",
    "del": "x = 1\ndel x",
    "class inheritance": "class A: pass\nclass B(A): pass",
    "property": "class A:\n  @property\n  def x(self): return 1",
    "classmethod": "class A:\n  @classmethod\n  def x(cls): return 1",
    "staticmethod": "class A:\n  @staticmethod\n  def x(): return 1",
    "super": "super",
    "import *": "from math import *",
    "no NumPy": "import numpy",
    "no pandas": "import pandas",
}


@pytest.mark.parametrize(("claim", "code"), WORKING.items())
async def test_what_the_description_promises_works(bench: Bench, claim: str, code: str) -> None:
    assert claim in described(bench)
    assert "Traceback" not in await run(bench, code)


@pytest.mark.parametrize(("claim", "code"), MISSING.items())
async def test_what_the_description_denies_is_not_there(bench: Bench, claim: str, code: str) -> None:
    assert claim in described(bench)
    assert "Error" in await run(bench, code)


async def test_the_description_names_the_modules_that_there_are(bench: Bench) -> None:
    found = re.search(r"Modules: (.*?); not: (.*?)\.", re.sub(r" \(.*?\)", "", described(bench)))
    assert found
    there, missing = (names.split(", ") for names in found.groups())
    assert await run(bench, "\n".join(f"import {name}" for name in there)) == NOTHING
    for name in missing:
        assert f"No module named '{name}'" in await run(bench, f"import {name}")


async def test_generator_expressions_are_computed_at_once_as_the_description_says(bench: Bench) -> None:
    assert await run(bench, "seen = []\ng = (seen.append(x) for x in range(3))\nseen") == "Result: [0, 1, 2]"


async def test_the_limits_are_those_of_the_description(bench: Bench) -> None:
    assert "8 seconds and 64 MB" in described(bench)
    assert "> 67108864 bytes" in await run(bench, "'a' * 10**9")


# -- charts ---------------------------------------------------------------------------------------------------------


async def test_a_chart_is_shown_to_the_person(bench: Bench) -> None:
    read = await run(bench, "plot([1, 3, 2], title='Sales')\nplot({'a': 1, 'b': 2}, kind='pie')\n'done'")
    assert read == "Result: 'done'\nChart 1 (Sales) is shown to the person.\nChart 2 is shown to the person."
    assert [(name, mime) for name, mime, _ in bench.context.files] == [
        ("chart-1.png", "image/png"),
        ("chart-2.png", "image/png"),
    ]
    assert all(content.startswith(b"\x89PNG\r\n") for *_, content in bench.context.files)


async def test_what_is_wrong_with_a_chart_is_an_error_in_the_code(bench: Bench) -> None:
    read = await run(bench, "try: plot([1, 'a'])\nexcept ValueError as e: print(e)\nplot(3)")
    assert read.startswith("'y' has to be a list of numbers; there is a str in it.\nTraceback")
    assert "ValueError: 'y' has to be a list." in read
    assert bench.context.files == []


async def test_one_call_draws_four_charts_at_the_most(bench: Bench) -> None:
    read = await run(bench, "for i in range(6):\n  try: plot([i])\n  except ValueError as e: print(e)")
    assert "One call can plot at most 4 charts.\n" in read
    assert len(bench.context.files) == 4


async def test_charts_of_code_that_failed_are_not_shown(bench: Bench) -> None:
    assert (await run(bench, "plot([1])\n1 / 0")).endswith(f"ZeroDivisionError: division by zero\n{UNSHOWN}")
    assert (await run(bench, "plot([1])\n'a' * 10**9")).endswith(f"{AS_BEFORE}\n{UNSHOWN}")
    assert bench.context.files == []


@dataclass(frozen=True, slots=True)
class Blind(FakeContext):
    async def show(self, name: str, mime: str, content: bytes, /) -> None:
        await shows_nothing(name, mime, content)


async def test_the_model_is_told_which_chart_cannot_be_drawn(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def draws(*given: object, **named: object) -> list[bytes | Undrawn]:
        return [Undrawn("It cannot be drawn."), b"\x89PNG"]

    monkeypatch.setattr("tools.code_interpreter.draw", draws)
    read = await run(bench, "plot([1])\nplot([2], title='T')")
    assert read == "Chart 1 is not shown. It cannot be drawn.\nChart 2 (T) is shown to the person."
    assert [name for name, *_ in bench.context.files] == ["chart-2.png"]


async def test_where_nothing_can_be_shown_the_model_is_told(bench: Bench) -> None:
    context = Blind(bench.context.http, sandbox=bench.context.sandbox)
    call = '{"code": "plot([1], title=\'T\')\\n1"}'
    result = await bench.registry.execute("code_interpreter", call, context, enabled=bench.registry)
    assert result == ToolResult("Result: 1\nChart 1 (T) is not shown. Files cannot be shown here.")


async def test_a_chart_that_cannot_be_drawn_does_not_take_the_output(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*given: object, **named: object) -> list[bytes | Undrawn]:
        raise Undrawn("Drawing took too long.")

    monkeypatch.setattr("tools.code_interpreter.draw", fails)
    assert await run(bench, "plot([1])\n1") == "Result: 1\nNo chart is shown. Drawing took too long."


# -- in the whole of Parley -----------------------------------------------------------------------------------------


async def test_variables_last_from_call_to_call_of_one_answer(tmp_path: Path) -> None:
    model = ScriptedModel()
    model.call(("code_interpreter", {"code": "x = 20"}))
    model.call(("code_interpreter", {"code": "x + 22"}))
    model.call(("code_interpreter", {"code": "plot([x])"}))
    model.say("42.")
    model.call(("code_interpreter", {"code": "x"}))
    model.say("Gone.")
    async with parley_at(tmp_path / "parley.db", model, registry=Registry([code_interpreter])) as parley:
        await parley.alice.say("What is it?")
        await parley.quiet()
        await parley.alice.say("And now?")
        await parley.quiet()
        assert parley.room.answers == ["42.", "Gone."]
    assert model.outputs(2)[-1] == "Result: 42"
    assert "NameError" in model.outputs(5)[-1]
    model.assert_done()


async def test_the_end_of_parley_ends_the_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Sandbox] = []

    def making() -> Sandbox:
        made.append(Sandbox())
        return made[-1]

    monkeypatch.setattr("bot.app.Sandbox", making)
    async with parley_at(tmp_path / "parley.db", ScriptedModel()):
        assert (await made[0].run("run", "1")).result == "Result: 1"
    with pytest.raises(Unavailable):
        await made[0].run("run", "1")
