"""The demo model: it looks up every place of a comparison, names the winner, and says what it cannot know."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.models.demo.model import respond
from bot.models.port import CallOutput, ModelRequest, UserText
from tests.test_demo_model import FORECAST, RAIN, TEMPERATURE, TIME, WEATHER, ask, at, called, finish

ONLY_NOW_AND_SOON = "I can only tell of now and of the next 16 days, such as “tomorrow” or “in 5 days”."


def told(question: str, key: str, *figures: Any) -> str:
    """The last sentence of the answer, where each look-up gave its place and one of the figures."""
    first = ask(question, tools=WEATHER)
    outputs = [
        CallOutput(call.id, json.dumps({**json.loads(call.arguments), "unit": "Celsius", key: figure}))
        for call, figure in zip(first.calls, figures, strict=True)
    ]
    turn = respond(ModelRequest("demo", "", [UserText(question), *first.calls, *outputs], WEATHER))
    return turn.text.rpartition(". ")[2]


@pytest.mark.parametrize(
    ("question", "places"),
    [
        ("Which of Paris, London and Tokyo is warmest?", ["Paris", "London", "Tokyo"]),
        ("Of Paris and London, which is warmer?", ["Paris", "London"]),
        ("Between Paris and London, where is it colder?", ["Paris", "London"]),
        ("Paris, London and Tokyo: which is the hottest?", ["Paris", "London", "Tokyo"]),
        ("Which is warmer, paris or london?", ["paris", "london"]),
        ("Which of oslo and rome is warmer?", ["oslo", "rome"]),
        ("Is Paris warmer than London?", ["Paris", "London"]),
        ("Which of Paris, France and Paris, Texas is warmer?", ["Paris, France", "Paris, Texas"]),
        ("Where is it hotter: Rome, Madrid, or Athens?", ["Rome", "Madrid", "Athens"]),
        (
            "Weather in Oslo, Norway and Rome, Italy and Toronto, Canada",
            ["Oslo, Norway", "Rome, Italy", "Toronto, Canada"],
        ),
    ],
)
def test_each_place_of_a_sentence_is_looked_up_once_in_one_turn(question: str, places: list[str]) -> None:
    assert called(ask(question)) == at(TEMPERATURE, *places)


@pytest.mark.parametrize(
    ("question", "key", "figures", "winner"),
    [
        (
            "Which of Paris, London and Tokyo is warmest?",
            "temperature",
            (21, 14.5, 9),
            "Paris is the warmest of these.",
        ),
        ("Paris, London and Tokyo: which is coldest?", "temperature", (21, 14.5, 9), "Tokyo is the coldest of these."),
        ("Of Paris and London, which is warmer?", "temperature", (3, 14), "It is warmer in London."),
        ("Is Paris colder than London?", "temperature", (3, 3), "It is the same there."),
        ("Oslo, Rome and Bergen: which is warmest?", "temperature", (3, 1, 3), "Oslo and Bergen are level."),
        ("Is it more likely to rain in Oslo or in Bergen?", "rain_probability", (20, 90), "It is wetter in Bergen."),
        ("Is Oslo or Bergen drier?", "rain_probability", (20, 90), "It is drier in Oslo."),
        ("Is Oslo or Bergen warmer?", "temperature", (20, None), "- unit: Celsius\n- temperature: unknown"),
        ("Weather in Oslo and Bergen", "temperature", (20, 19), "It is 19 °C in Bergen."),
    ],
)
def test_a_comparison_names_the_winner_where_the_outputs_are_numbers(
    question: str, key: str, figures: tuple[Any, ...], winner: str
) -> None:
    assert told(question, key, *figures).endswith(winner)


@pytest.mark.parametrize(
    "question",
    [
        "How warm was it yesterday in Paris?",
        "How warm was it in Paris in 1990?",
        "Weather in Oslo on December 24th",
        "Weather in Oslo on the 24th of December",
        "Weather in Oslo on 3 May",
        "Weather in Oslo on 2031-12-24",
        "Weather in Paris in July",
        "How is the weather in May in Rome?",
        "Weather in Paris last week",
        "Did it rain in Oslo on Monday?",
        "Has it rained in Oslo today?",
        "How cold was it in Oslo?",
        "Temperature in Rome 3 days ago",
        "What will the weather be in Oslo in 3 weeks?",
        "Do I need a coat in Oslo 20 days from now?",
        "Weather in Oslo in a month",
        "Weather in Oslo next summer",
        "Use get_forecast for Oslo in 3 weeks",
        "How warm was it?",
    ],
)
def test_what_is_past_or_far_is_not_looked_up(question: str) -> None:
    turn = ask(question)
    assert (called(turn), turn.text) == ([], ONLY_NOW_AND_SOON)


@pytest.mark.parametrize(
    ("thread", "calls"),
    [
        (["Forecast for Oslo 2 weeks from now"], at(FORECAST, "Oslo", days=15)),
        (["Weather in Oslo in two weeks"], at(FORECAST, "Oslo", days=15)),
        (["Weather in Oslo in 15 days"], at(FORECAST, "Oslo", days=16)),
        (["Weather in Oslo next week"], at(FORECAST, "Oslo", days=14)),
        (["Will it rain in Oslo on Monday?"], at(FORECAST, "Oslo", days=7)),
        (["I was in Oslo last week. How warm is it there?"], at(TEMPERATURE, "Oslo")),
        (["Weather in Fall River, Massachusetts"], at(TEMPERATURE, "Fall River, Massachusetts")),
        (["Weather on Christmas Island"], at(TEMPERATURE, "Christmas Island")),
        (["How warm was it yesterday in Oslo?", "And today?"], at(TEMPERATURE, "Oslo")),
        (["Weather in Oslo?", "And yesterday?"], []),
        (["Weather in Oslo?", "Thanks, that was quick."], []),
    ],
)
def test_what_is_now_or_soon_is_looked_up(thread: list[str], calls: list[tuple[str, Any]]) -> None:
    assert called(ask(*thread)) == calls


def test_a_question_of_now_and_of_the_past_is_answered_in_part() -> None:
    outputs = {TEMPERATURE: {"location": "Oslo", "temperature": 3, "unit": "Celsius"}}
    assert finish("Weather in Oslo today and last week?", outputs).text == f"It is 3 °C in Oslo. {ONLY_NOW_AND_SOON}"


@pytest.mark.parametrize(
    "question",
    [
        "What time is sunrise in Tokyo?",
        "What time does the train to London leave?",
        "When does the sun set in Oslo?",
        "What's the time of sunset in Rome?",
        "What time did the train to London leave yesterday?",
    ],
)
def test_the_clock_tells_no_events(question: str) -> None:
    turn = ask(question, tools=WEATHER)
    assert not turn.calls
    assert "No tool that I am offered here tells when something takes place." in turn.text


def test_the_clock_tells_the_time() -> None:
    assert called(ask("What time is it in Tokyo?")) == called(ask("What's the time in Tokyo now?")) == at(TIME, "Tokyo")


def test_kelvin_is_looked_up_in_the_units_that_there_are() -> None:
    outputs = {TEMPERATURE: {"location": "Paris", "temperature": 3, "unit": "Celsius"}}
    assert called(ask("temperature in Paris in Kelvin")) == at(TEMPERATURE, "Paris")
    answer = finish("temperature in Paris in Kelvin", outputs).text
    assert answer == "It is 3 °C in Paris. It is offered in Celsius and Fahrenheit only."
    assert "Kelvin" not in finish("rain in Paris", {RAIN: {"location": "Paris", "rain_probability": 3}}).text


@pytest.mark.parametrize(
    "text",
    [
        "What's 72 F in Celsius?",
        "Convert 20 °C to Fahrenheit",
        "How many Celsius is 72 F?",
        "I'm cold",
        "I have a cold",
    ],
)
def test_what_is_no_question_of_a_place_is_not_understood(text: str) -> None:
    turn = ask("Weather in Oslo?", text)
    assert not turn.calls
    assert ask(text).text.startswith("I did not understand that.")
