"""The demo model: what it calls, how it answers, and that no text and no tool can break it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.assistants.types import Author
from bot.models.demo import DemoModel
from bot.models.demo.model import respond
from bot.models.port import (
    AssistantText,
    Call,
    CallOutput,
    FunctionTool,
    Item,
    Model,
    ModelEvent,
    ModelRequest,
    OwnItems,
    TextDelta,
    Turn,
    UserText,
)
from tools.registry import load

TEMPERATURE, RAIN, FORECAST, TIME = (
    "get_current_temperature",
    "get_rain_probability",
    "get_forecast",
    "get_current_time",
)
ADA, BOB = Author("U1", "Ada L."), Author("U2", "Bob")
OSLO = "Oslo, Norway"
NOT_THERE = '{"error":"No place called \'Atlantis\' was found."}'


def tool(name: str, description: str = "", **properties: Any) -> FunctionTool:
    return FunctionTool(name, description, {"properties": properties, "required": list(properties)})


WEATHER = [
    FunctionTool(one.name, one.description, one.parameters)
    for one in load().values()
    if one.name in (TEMPERATURE, RAIN, FORECAST, TIME)
]
PROGRAMS = [
    FunctionTool(one.name, one.description, one.parameters)
    for one in load().values()
    if one.name in ("code_interpreter", "file_search")
]
TOOLS = [*WEATHER, tool("search_orders", "Finds an order.", order_id={"type": "string"})]


def ask(*texts: str | Item, tools: Sequence[FunctionTool] = TOOLS, **settings: Any) -> Turn:
    """The turn after a thread of texts, each but the last answered; other items stand as they are."""
    items: list[Item] = []
    for at, text in enumerate(texts):
        items.append(UserText(text) if isinstance(text, str) else text)
        if at + 1 < len(texts) and isinstance(text, str) and isinstance(texts[at + 1], str):
            items.append(AssistantText("Noted."))
    return respond(ModelRequest("demo", "", items, tools, **settings))


def called(turn: Turn) -> list[tuple[str, Any]]:
    return [(call.name, json.loads(call.arguments)) for call in turn.calls]


def at(name: str, *places: str, **more: Any) -> list[tuple[str, Any]]:
    return [(name, {"place_or_timezone" if name == TIME else "location": place, **more}) for place in places]


def finish(question: str | UserText, outputs: dict[str, Any], **settings: Any) -> Turn:
    """The turn after all calls for `question` were made, each with the output of its tool."""
    items: list[str | Item] = [question if isinstance(question, UserText) else UserText(question)]
    for _ in range(10):
        turn = ask(*items, **settings)
        if not turn.calls:
            return turn
        items.append(OwnItems("demo", (), turn.calls))
        for call in turn.calls:
            output = outputs[call.name]
            items.append(CallOutput(call.id, output if isinstance(output, str) else json.dumps(output)))
    raise AssertionError("the demo model goes on calling")


@pytest.mark.parametrize(
    ("question", "calls"),
    [
        (
            "What's the weather in San Francisco, CA, and will it rain?",
            at(TEMPERATURE, "San Francisco, CA") + at(RAIN, "San Francisco, CA"),
        ),
        ("What's the weather in Oslo?", at(TEMPERATURE, "Oslo")),
        ("Weather San Francisco?", at(TEMPERATURE, "San Francisco")),
        ("Berlin temperature", at(TEMPERATURE, "Berlin")),
        ("oslo weather", at(TEMPERATURE, "oslo")),
        ("how warm is paris?", at(TEMPERATURE, "paris")),
        ("what's the weather in new york right now please", at(TEMPERATURE, "new york")),
        ("weather in Frankfurt am Main, Germany", at(TEMPERATURE, "Frankfurt am Main, Germany")),
        ("Temperature in München?", at(TEMPERATURE, "München")),
        ("weather in 東京", at(TEMPERATURE, "東京")),
        ("Portland, OR weather", at(TEMPERATURE, "Portland, OR")),
        ("Weather in Washington, D.C. and in St. Louis?", at(TEMPERATURE, "Washington, D.C.", "St. Louis")),
        ("What's Oslo's temperature?", at(TEMPERATURE, "Oslo")),
        ("weather in Nice", at(TEMPERATURE, "Nice")),
        ("weather in San Francisco (California)", at(TEMPERATURE, "San Francisco, California")),
        ("Do I need an umbrella in Trinidad and Tobago?", at(RAIN, "Trinidad and Tobago")),
        ("WHAT IS THE WEATHER IN OSLO?", at(TEMPERATURE, "OSLO")),
        ("<@U0123> weather in Rome", at(TEMPERATURE, "Rome")),
        ("Is it warmer in Oslo or in Rome?", at(TEMPERATURE, "Oslo", "Rome")),
        ("Is Oslo or Rome warmer?", at(TEMPERATURE, "Oslo", "Rome")),
        ("Weather in Oslo, Rome and Paris", at(TEMPERATURE, "Oslo", "Rome", "Paris")),
        (
            "temperature in Paris, Texas and in Springfield, Illinois",
            at(TEMPERATURE, "Paris, Texas", "Springfield, Illinois"),
        ),
        ("Weather for Oslo; rain for Rome", at(TEMPERATURE, "Oslo") + at(RAIN, "Rome")),
        ("How hot is it in Tokyo in Fahrenheit?", at(TEMPERATURE, "Tokyo", unit="Fahrenheit")),
        ("How hot is it in Tokyo, °F?", at(TEMPERATURE, "Tokyo", unit="Fahrenheit")),
        ("Forecast for Rome for the next 5 days", at(FORECAST, "Rome", days=5)),
        ("10-day forecast for Rome", at(FORECAST, "Rome", days=10)),
        ("forecast for the next 99 days in Rome", at(FORECAST, "Rome", days=16)),
        ("What's the forecast for Rome?", at(FORECAST, "Rome")),
        ("Will it rain in Bergen tomorrow?", at(FORECAST, "Bergen", days=2)),
        ("What's the weather this week in Rome", at(FORECAST, "Rome", days=7)),
        ("Is it warmer in Oslo or in Rome tomorrow?", at(FORECAST, "Oslo", "Rome", days=2)),
        ("I'm going to Oslo tomorrow. Will it rain?", at(FORECAST, "Oslo", days=2)),
        ("Weather in Oslo today and tomorrow?", at(TEMPERATURE, "Oslo") + at(FORECAST, "Oslo", days=2)),
        ("What time is it in Europe/Berlin?", at(TIME, "Europe/Berlin")),
        ("What's the weather in Oslo and what time is it there?", at(TEMPERATURE, "Oslo") + at(TIME, "Oslo")),
        ("use get_forecast for Oslo", at(FORECAST, "Oslo")),
        ("search orders 4711", [("search_orders", {"order_id": "4711"})]),
        ('Please call search_orders with "A-17".', [("search_orders", {"order_id": "A-17"})]),
    ],
)
def test_a_question_becomes_these_calls_in_one_turn(question: str, calls: list[tuple[str, Any]]) -> None:
    turn = ask(question)
    assert called(turn) == calls
    assert turn.text == ""


@pytest.mark.parametrize(
    ("thread", "calls"),
    [
        (["Weather in Oslo?", "And in Rome?"], at(TEMPERATURE, "Rome")),
        (["Weather in Oslo?", "Thanks! And in Rome?"], at(TEMPERATURE, "Rome")),
        (["Weather in Oslo?", "and tomorrow?"], at(FORECAST, "Oslo", days=2)),
        (
            ["Weather in Oslo, and rain?", "what about Paris, Texas"],
            at(TEMPERATURE, "Paris, Texas") + at(RAIN, "Paris, Texas"),
        ),
        (["Weather in Oslo?", "Will it rain there?"], at(RAIN, "Oslo")),
        (["Weather in Oslo?", "hello", "And in Fahrenheit?"], at(TEMPERATURE, "Oslo", unit="Fahrenheit")),
        (["Weather in Oslo tomorrow?", "and in Rome"], at(FORECAST, "Rome", days=2)),
        (["What's the weather?", "oslo"], at(TEMPERATURE, "oslo")),
        (["search orders 4711", "and 4712?"], [("search_orders", {"order_id": "4712"})]),
        (["search orders", "4711"], [("search_orders", {"order_id": "4711"})]),
        (["Weather in Oslo?", "Perfect!"], []),
        (["Weather in Oslo?", "Thanks for the weather!"], []),
    ],
)
def test_a_follow_up_takes_what_it_lacks_from_the_thread(thread: list[str], calls: list[tuple[str, Any]]) -> None:
    assert called(ask(*thread)) == calls


def test_every_result_is_told_in_the_order_of_the_question() -> None:
    outputs = {
        TEMPERATURE: {"location": OSLO, "temperature": 18.3, "unit": "Celsius"},
        RAIN: {"location": OSLO, "rain_probability": 40, "unit": "percent"},
    }
    told = "It is 18.3 °C in Oslo, Norway. The chance of rain there today is 40 %."
    assert finish("Weather in Oslo, and will it rain?", outputs).text == told
    assert finish("Weather in Oslo, and will it rain?", outputs, parallel_tool_calls=False).text == told


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (NOT_THERE, "I could not look that up with search_orders: No place called 'Atlantis' was found."),
        ({"error": {"message": "Too late"}}, "I could not look that up with search_orders: Too late."),
        ("It was sent.", "It was sent."),
        ("", "search_orders gave an empty answer."),
        ([], "search_orders found nothing."),
        (["a", {"b_c": 1}], "search_orders gave:\n- a\n- b c 1"),
        ({"sent": True, "to": None, "n": 2.0}, "search_orders gave:\n- sent: yes\n- to: unknown\n- n: 2"),
        (7, "7"),
        (
            {"time": "2026-08-26T14:05:00+02:00", "timezone": "Europe/Oslo", "location": OSLO, "weekday": "Wednesday"},
            "It is 14:05 on Wednesday 26 August in Oslo, Norway (Europe/Oslo).",
        ),
        ({"time": "2026-08-26T14:05:00Z", "timezone": "UTC"}, "It is 14:05 on Wednesday 26 August in UTC."),
        (
            {"location": OSLO, "unit": "Celsius", "days": [
                {"date": "2026-08-26", "condition": "fog", "min": -1.5, "max": 4.0, "rain_probability": 20},
                {"date": "2026-08-27", "condition": None, "min": None, "max": None, "rain_probability": None},
            ]},
            "The forecast for Oslo, Norway:\n- Wednesday 26 August: fog, -1.5 to 4 °C, chance of rain 20 %\n"
            "- Thursday 27 August: nothing known yet",
        ),
        ({"place": OSLO, "temperature": 3, "humidity": 80}, "It is 3 in Oslo, Norway. Also: humidity: 80."),
    ],
)  # fmt: skip
def test_an_output_of_any_shape_is_told_in_plain_english(output: Any, told: str) -> None:
    assert finish("search orders 4711", {"search_orders": output}).text == told


def test_a_failed_call_is_told_and_not_repeated() -> None:
    assert "'Atlantis' was found" in finish("Weather in Atlantis?", {TEMPERATURE: NOT_THERE}).text


def test_a_comparison_ends_with_its_answer() -> None:
    first = ask("Is it warmer in Oslo or Rome?")
    outputs = [
        CallOutput(call.id, json.dumps({"location": place, "temperature": degrees, "unit": "Celsius"}))
        for call, place, degrees in zip(first.calls, ("Oslo", "Rome"), (3.5, 14), strict=True)
    ]
    turn = ask(UserText("Is it warmer in Oslo or Rome?"), *first.calls, *outputs)
    assert turn.text == "It is 3.5 °C in Oslo. It is 14 °C in Rome. It is warmer in Rome."


def test_without_parallel_calls_each_turn_makes_one() -> None:
    question = "Weather in Oslo, and will it rain?"
    first = ask(question, parallel_tool_calls=False)
    second = ask(UserText(question), *first.calls, CallOutput(first.calls[0].id, "3"), parallel_tool_calls=False)
    assert called(first) + called(second) == at(TEMPERATURE, "Oslo") + at(RAIN, "Oslo")


def test_several_waiting_messages_are_answered_together() -> None:
    turn = ask(UserText("weather in Oslo?", ADA), UserText("rain in Rome?", BOB))
    assert called(turn) == at(TEMPERATURE, "Oslo") + at(RAIN, "Rome")
    outputs = [CallOutput(call.id, answer) for call, answer in zip(turn.calls, ("Cold.", "Wet."), strict=True)]
    last = ask(UserText("weather in Oslo?", ADA), UserText("rain in Rome?", BOB), *turn.calls, *outputs)
    assert last.text == "Ada L.: Cold.\n\nBob: Wet."


def test_only_offered_tools_are_called() -> None:
    turn = ask("What's the weather in Oslo?", tools=[TOOLS[-1]])
    assert not turn.calls
    assert "No tool that I am offered here tells the weather." in turn.text


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("What's the weather?", "For which place shall I look that up?"),
        ("search orders", "Which order id shall I give to search_orders?"),
    ],
)
def test_what_a_call_lacks_is_asked_for(question: str, sentence: str) -> None:
    assert (ask(question).text, ask(question).calls) == (sentence, ())


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("code_interpreter 2 ** 64", "2 ** 64"),
        ("Plot a chart: `plot([1, 2])`", "plot([1, 2])"),
        ('call code_interpreter `no code` ```python\nx = "\\d"\nx\n```', 'x = "\\d"\nx'),
    ],
)
def test_what_is_python_is_run(question: str, code: str) -> None:
    assert called(ask(question, tools=PROGRAMS)) == [("code_interpreter", {"code": code})]


@pytest.mark.parametrize("question", ["plot a chart of 1, 2, 3", "code_interpreter `a b`", "code_interpreter"])
def test_what_is_no_python_is_not_run_and_nothing_is_taken_for_it_afterwards(question: str) -> None:
    turn = ask(question, tools=PROGRAMS)
    told = "I write no Python myself. Say code_interpreter with the code between backticks, such as `2 ** 64`."
    assert (turn.text, turn.calls) == (told, ())
    assert not ask(question, "hello", tools=PROGRAMS).calls


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("What can you search in my files?", "What can you search in my files"),
        ("search my files for the hotel limit", "hotel limit"),
        ('search my files for "the limit"', "the limit"),
    ],
)
def test_files_are_searched_with_the_words_of_the_question(question: str, query: str) -> None:
    assert called(ask(question, tools=PROGRAMS)) == [("file_search", {"query": query})]


def test_tool_choice_none_calls_nothing_and_says_so() -> None:
    turn = ask("Weather in Oslo?", tool_choice="none")
    assert not turn.calls
    assert "I have not called get_current_temperature" in turn.text


@pytest.mark.parametrize(
    ("question", "choice", "calls"),
    [
        ("hello", "required", at(TEMPERATURE, "hello")),
        ("rain in Rome?", "required", at(RAIN, "Rome")),
        ("hello", {"type": "function", "function": {"name": RAIN}}, at(RAIN, "hello")),
        ("forecast for Oslo", {"type": "function", "function": {"name": RAIN}}, at(RAIN, "Oslo")),
        ("weather and rain in Oslo", {"type": "function", "function": {"name": RAIN}}, at(RAIN, "Oslo")),
    ],
)
def test_a_forced_choice_is_obeyed(question: str, choice: Any, calls: list[tuple[str, Any]]) -> None:
    tools = sorted(WEATHER, key=lambda one: one.name != TEMPERATURE)
    assert called(ask(question, tools=tools, tool_choice=choice)) == calls
    assert finish(question, dict.fromkeys((TEMPERATURE, RAIN, FORECAST), "Done."), tools=tools, tool_choice=choice).text


def test_parameters_are_filled_by_their_schema() -> None:
    book = tool(
        "book_room",
        city={"type": "string"},
        seats={"type": "integer", "maximum": 20},
        size={"$ref": "#/$defs/Size"},
        with_screen={"type": "boolean"},
        note={"type": ["string", "null"]},
    )
    size = FunctionTool(book.name, "", {**book.parameters, "$defs": {"Size": {"enum": ["small", "very_large"]}}})
    turn = ask('Please book a very large room for 30 in Oslo with a screen, "window"', tools=[size])
    wanted = {"city": "Oslo", "seats": 20, "size": "very_large", "with_screen": True, "note": "window"}
    assert called(turn) == [("book_room", wanted)]


@pytest.mark.parametrize(
    ("thread", "answer"),
    [
        ([UserText("My name is Ada", ADA), UserText("what's my name?", ADA)], "Your name is Ada."),
        ([UserText("My name is Ada", ADA), UserText("what's my name?", BOB)], "your messages carry the name Bob."),
        ([UserText("what's my name?")], "You have not told me your name"),
        ([UserText("One", ADA), UserText("Two", BOB), UserText("what did I ask before?", ADA)], "“One”"),
        ([UserText("One"), UserText("Two"), UserText("What did I ask first?")], "“One”"),
        ([UserText("what did I ask?")], "That is the first thing you have said"),
        ([UserText("Hello!", ADA)], "Hello, Ada L.! I am Parley's demo model: a rule-based stand-in"),
        ([UserText("who are you?")], "not a language model. For a real model, set OPENAI_API_KEY, or OPENAI_BASE_URL"),
        ([UserText("Tell me a joke")], "I did not understand that. I am Parley's demo model"),
        ([UserText("help")], "I can call get_current_time, get_current_temperature"),
        ([UserText("Thanks!", BOB)], "You are welcome, Bob."),
        ([UserText("My name is Ada.")], "Nice to meet you, Ada."),
        ([], "I am Parley's demo model"),
    ],
)
def test_small_talk_is_honest_and_remembers_its_thread(thread: list[Item], answer: str) -> None:
    answered = [one for item in thread for one in (item, AssistantText("Noted."))][:-1]
    assert answer in ask(*answered).text


@pytest.mark.parametrize("kind", ["json_object", "json_schema"])
def test_json_is_answered_where_json_is_asked_for(kind: str) -> None:
    assert json.loads(ask("Thanks!", response_format={"type": kind}).text) == {"answer": "You are welcome."}


def test_a_text_over_the_limit_is_cut() -> None:
    turn = ask("hello", max_output_tokens=5)
    assert (turn.text, turn.finish, turn.usage.completion_tokens) == ("Hello! I am Parley's", "length", 5)


async def test_an_answer_streams_word_by_word_at_its_pace() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    model: Model = DemoModel(0.5, sleep)
    events = await collect(model, ModelRequest("demo", "", [UserText("thanks")]))
    assert events[:-1] == [TextDelta("You"), TextDelta(" are"), TextDelta(" welcome.")]
    assert (slept, await model.check("demo")) == ([0.5] * 3, await DemoModel().check(""))
    await model.close()


async def collect(model: Model, request: ModelRequest) -> list[ModelEvent]:
    return [event async for event in model.stream(request)]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYWORDS = st.sampled_from(["type", "enum", "anyOf", "items", "minimum", "maximum", "$ref", "default", "const"])
SCHEMAS = st.dictionaries(KEYWORDS, JSON_VALUES | st.sampled_from(["string", "integer", "array", "object"]))
PARAMETERS = st.fixed_dictionaries(
    {}, optional={"properties": st.dictionaries(st.text(max_size=8), SCHEMAS) | JSON_VALUES, "required": JSON_VALUES}
)
ANY_TOOL = st.builds(FunctionTool, st.text(max_size=12) | st.just("search"), st.text(max_size=40), PARAMETERS)
SOME_WORDS = 'weather in Oslo , and Rome ? tomorrow search next 5 days my name is or "'
ANY_TEXT = st.text() | st.lists(st.sampled_from(SOME_WORDS.split())).map(" ".join)
ANY_CHOICE = st.sampled_from(["auto", "none", "required", {"type": "function", "function": {"name": "search"}}])


@settings(deadline=None, derandomize=True)
@given(st.lists(ANY_TEXT, max_size=3), st.lists(ANY_TOOL, max_size=3), ANY_CHOICE, JSON_VALUES | st.text())
async def test_any_text_and_any_tools_give_one_turn_after_the_text_and_come_to_an_end(
    texts: list[str], offered: list[FunctionTool], choice: Any, output: Any
) -> None:
    items: list[Item] = [UserText(text) for text in texts]
    for _ in range(3):
        request = ModelRequest("demo", "", items, [*offered, *WEATHER], choice)
        *deltas, turn = await collect(DemoModel(0), request)
        assert isinstance(turn, Turn)
        assert turn.text == "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
        if not turn.calls:
            assert turn.text
            return
        items += [OwnItems("demo", (), turn.calls), *(CallOutput(one.id, json.dumps(output)) for one in turn.calls)]
    pytest.fail("the demo model goes on calling")


@settings(deadline=None, derandomize=True)
@given(ANY_TEXT)
def test_the_same_request_gives_the_same_turn(text: str) -> None:
    def told(turn: Turn) -> Any:
        return turn.text, called(turn), turn.usage

    assert told(ask(text)) == told(ask(text))


def test_call_ids_are_new() -> None:
    calls: list[Call] = [*ask("weather in Oslo or Rome").calls, *ask("weather in Oslo").calls]
    assert len({call.id for call in calls}) == 3
