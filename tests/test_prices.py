"""Prices: what the file says, what a run comes to by it, and how mistakes in it are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.assistants.types import Usage
from bot.doctor import examine
from bot.prices import BadPrices, Price, Prices, read
from bot.settings import BadSettings, load
from tests.parley import parley_at, settings_for
from tests.process import environment, run
from tests.scripted_model import ScriptedModel

GOOD = """
currency = "USD"
[models."gpt-5.4-mini"]
input = 0.25
cached_input = 0.025
output = 2.0
[models."gpt-5.4"]
input = 2
output = 16
"""
MILLION = 1_000_000


def written(folder: Path, text: str) -> Path:
    path = folder / "prices.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def prices(tmp_path: Path) -> Prices:
    return read(written(tmp_path, GOOD))


def test_the_file_says_what_a_million_tokens_cost(prices: Prices) -> None:
    assert prices.models["gpt-5.4-mini"] == Price(0.25, 0.025, 2.0)
    assert prices.currency == "USD"


def test_cached_input_costs_as_much_as_other_input_unless_it_has_a_price(prices: Prices) -> None:
    usage = Usage(prompt_tokens=MILLION, total_tokens=MILLION, cached_tokens=MILLION)
    assert (prices.cost("gpt-5.4", usage), prices.cost("gpt-5.4-mini", usage)) == (2.0, 0.025)


def test_a_run_costs_its_input_its_cached_input_and_its_output(prices: Prices) -> None:
    usage = Usage(prompt_tokens=3 * MILLION, completion_tokens=MILLION, cached_tokens=MILLION)
    assert prices.cost("gpt-5.4-mini", usage) == pytest.approx(2 * 0.25 + 0.025 + 2.0)


@pytest.mark.parametrize(
    ("model", "cost"),
    [
        ("gpt-5.4", 16.0),
        ("gpt-5.4-2026-03-05", 16.0),
        ("gpt-5.4-mini", 2.0),
        ("gpt-5.4-mini-2026-03-17", 2.0),
        ("gpt-5.4mini", None),
        ("gpt-5", None),
        ("GPT-5.4", None),
        ("", None),
    ],
)
def test_a_model_goes_by_its_name_or_by_the_longest_it_begins_with(
    prices: Prices, model: str, cost: float | None
) -> None:
    assert prices.cost(model, Usage(completion_tokens=MILLION)) == cost


@pytest.mark.parametrize(
    ("currency", "amount", "said"),
    [
        ("USD", 0.42, "$0.42"),
        ("USD", 1234.5, "$1,234.50"),
        ("USD", 0.0, "$0.00"),
        ("USD", 0.0004, "under $0.01"),
        ("EUR", 5, "€5.00"),
        ("CHF", 5, "5.00 CHF"),
    ],
)
def test_an_amount_is_said_in_its_currency(currency: str, amount: float, said: str) -> None:
    assert Prices({}, currency).said(amount) == said


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "which has a price for no model; write"),
        ("[models]", "which has a price for no model; write"),
        ("models = 3", "which has a price for no model; write"),
        ("input = 1", "which has “input”, and that is nothing Parley knows; write"),
        ('currency = "dollars"\n[models.m]\ninput = 1\noutput = 1', "whose currency has no code"),
        ("[models.m]\noutput = 1", "where “m” has no input; write"),
        ("[models.m]\ninput = 1", "where “m” has no output; write"),
        ("[models.m]\ninput = 1\noutput = 1\ncached = 1", "where “m” has “cached”; write input, cached_input, output"),
        ("[models.m]\ninput = -1\noutput = 1", "where input of “m” is no price; write a number"),
        ("[models.m]\ninput = nan\noutput = 1", "where input of “m” is no price"),
        ("[models.m]\ninput = true\noutput = 1", "where input of “m” is no price"),
        ('[models.m]\ninput = 1\noutput = "2"', "where output of “m” is no price"),
        ("[models.gpt-5.4-mini]\ninput = 1\noutput = 1", "where a name with “gpt-5.” is not in quotes; write"),
        ("[models]\nm = 1", "where “m” is no table of prices; write"),
        ("[models.m", "which is no TOML: "),
    ],
)
def test_a_mistake_in_the_file_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, told: str
) -> None:
    path = written(tmp_path, text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PRICES", str(path))
    with pytest.raises(BadSettings) as caught:
        load()
    (line,) = caught.value.mistakes
    assert line.startswith(f"PRICES names {path}, {told}")
    assert "\n" not in line
    assert "; write " in line
    assert line.endswith(".")


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadPrices, match="not in UTF-8"):
        read(path)


async def test_parley_does_not_start_with_prices_that_are_wrong(tmp_path: Path) -> None:
    path = written(tmp_path, "[models.m]\ninput = 1\n")
    for command in ("console", "doctor"):
        said = await run(command, env=environment(tmp_path / "p.db", PRICES=str(path)), cwd=tmp_path)
        assert said.code == 2
        assert said.err.count("\n") == 1
        assert "where “m” has no output" in said.err


@pytest.mark.parametrize(("model", "told"), [("gpt-5.4-2026-03-05", False), ("gpt-6", True)])
async def test_the_doctor_says_when_the_model_has_no_price(tmp_path: Path, model: str, told: bool) -> None:
    lines: list[str] = []
    endpoint = {"openai_api_key": "sk-1", "openai_base_url": "http://127.0.0.1:9/v1"}
    settings = settings_for(tmp_path / "p.db", prices=written(tmp_path, GOOD), **endpoint)
    await examine(settings.model_copy(update={"model": model}), lines.append)
    assert (f"· PRICES has no price for {model}: what it answers is counted in tokens only." in lines) is told


async def test_why_tells_what_an_answer_has_cost_where_its_model_has_a_price(tmp_path: Path) -> None:
    for name, cost in (("gpt-test", ", $0.27"), ("other", "")):
        model = ScriptedModel()
        model.say("Cold.")
        path = written(tmp_path, f'[models."{name}"]\ninput = 20000\ncached_input = 1000\noutput = 30000')
        async with parley_at(tmp_path / f"{name}.db", model, prices=path) as parley:
            await parley.alice.say("Oslo?")
            await parley.quiet()
            first = (await parley.alice.command("why")).splitlines()[0]
            assert first == f"gpt-test: completed, 0.0 s, 15 tokens{cost}"
