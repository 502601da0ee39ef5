"""What of a thread the model reads."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.assistants.history import BROKEN_OFF, IMAGE_TOKENS, Past, estimate, window
from bot.assistants.lifecycle import new_run
from bot.assistants.types import Author, File, Message, Run, RunStep, ToolCall
from bot.models.port import AssistantText, Call, CallOutput, Item, UserText


def run_for(**fields: object) -> Run:
    return new_run(0.0, **{"id": "run_now", "thread_id": "t", "assistant_id": "a", "model": "m", **fields})


def said(position: int, text: str, by: str = "U1") -> Message:
    return Message(f"msg_{position}_{text}", "t", 0.0, "user", text, author=Author(by, by), position=position)


def answered(position: int, text: str, run_id: str | None) -> Message:
    return Message(f"msg_{position}", "t", 0.0, "assistant", text, run_id=run_id, position=position)


def wrote(message: Message, seq: int = 9) -> RunStep:
    assert message.run_id is not None
    return RunStep(f"step_{message.id}", message.run_id, "t", "a", 0.0, "message_creation", message_id=message.id)


def called(run_id: str, *outputs: str | None, items: tuple[dict[str, object], ...] = ()) -> RunStep:
    calls = tuple(ToolCall(f"{run_id}_{n}", "look", "{}", output=output) for n, output in enumerate(outputs))
    return RunStep(f"step_calls_{run_id}", run_id, "t", "a", 0.0, "tool_calls", calls=calls, items=items)


def conversation(turns: int, length: int = 1) -> Past:
    """Questions and answers with a tool round each, at the positions 1, 2, 3, …."""
    messages, steps = [], []
    for turn in range(turns):
        answer = answered(2 * turn + 2, "A" * length, f"run_{turn}")
        messages += [said(2 * turn + 1, f"Q{turn} " * length), answer]
        steps += [called(f"run_{turn}", "out" * length), wrote(answer)]
    return Past([*messages, said(2 * turns + 1, "now?")], steps)


def texts(items: list[Item]) -> list[str]:
    return [item.text for item in items if isinstance(item, UserText | AssistantText)]


def test_a_thread_is_read_in_its_order_with_calls_where_they_were_made() -> None:
    items, fits = window(conversation(1), run_for())
    assert items == [
        UserText("Q0 ", Author("U1", "U1")),
        Call("run_0_0", "look", "{}"),
        CallOutput("run_0_0", "out"),
        AssistantText("A"),
        UserText("now?", Author("U1", "U1")),
    ]
    assert fits


def test_a_call_that_was_broken_off_gets_an_output_that_says_so() -> None:
    answer = answered(2, "Half", "run_0")
    past = Past([said(1, "Q"), answer, said(3, "now?")], [called("run_0", None), wrote(answer)])
    items, _ = window(past, run_for())
    assert CallOutput("run_0_0", BROKEN_OFF) in items


def test_what_does_not_fit_the_budget_is_left_out_from_the_oldest_on() -> None:
    items, fits = window(conversation(30, length=50), run_for(), budget=600)
    assert fits
    assert texts(items)[-1] == "now?"
    assert 0 < len(texts(items)) < 20


def test_the_newest_question_is_always_read() -> None:
    past = Past([said(1, "old"), answered(2, "older", None), said(3, "long " * 1000)])
    items, fits = window(past, run_for(), budget=50)
    assert (texts(items), fits) == (["long " * 1000], False)


def test_last_messages_counts_messages() -> None:
    run = run_for(truncation_strategy={"type": "last_messages", "last_messages": 3})
    items, _ = window(conversation(5), run)
    assert texts(items) == ["Q4 ", "A", "now?"]


def test_the_start_of_the_window_moves_in_strides_so_that_prefixes_stay() -> None:
    starts, kept = [], []
    for turns in range(60, 160):
        items, _ = window(conversation(turns, length=40), run_for(), budget=6000)
        starts.append(texts(items)[0])
        kept.append(sum(estimate(item) for item in items))
    assert 2 <= len(set(starts)) <= 100 / 4
    assert min(kept) > 6000 * 0.7


def test_messages_of_one_turn_stay_together() -> None:
    past = Past([said(1, "old"), answered(2, "A", None), said(3, "one", "U1"), said(3, "two", "U2")])
    items, _ = window(past, run_for(), budget=10)
    assert texts(items) == ["one", "two"]


def test_the_runs_own_turn_comes_back_with_its_reasoning() -> None:
    past = Past([said(1, "now?")], [called("run_now", "out", items=({"type": "reasoning"},))])
    items, _ = window(past, run_for())
    assert getattr(items[1], "items", None) == ({"type": "reasoning"},)
    assert items[2] == CallOutput("run_now_0", "out")


def test_files_are_read_with_their_message_and_count() -> None:
    files = (File("a.png", "image/png", 9, data=b"123456789"), File("a.txt", "text/plain", 4000, "x" * 4000))
    plain, full = said(1, "Look!"), replace(said(1, "Look!"), files=files)
    (item,), _ = window(Past([full]), run_for())
    assert item == UserText("Look!", Author("U1", "U1"), files)
    (bare,), _ = window(Past([plain]), run_for())
    assert estimate(item) - estimate(bare) == pytest.approx(IMAGE_TOKENS + 4000 * 2 / 7, abs=20)


@given(
    turns=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 400), st.integers(1, 3)), max_size=40),
    budget=st.integers(1, 4000),
    last=st.none() | st.integers(1, 10),
)
def test_calls_are_never_parted_from_their_outputs(
    turns: list[tuple[int, int, int]], budget: int, last: int | None
) -> None:
    messages: list[Message] = []
    steps: list[RunStep] = []
    for number, (calls, length, people) in enumerate(turns):
        messages += [said(2 * number + 1, f"{number}/{person}" + "q" * length) for person in range(people)]
        answer = answered(2 * number + 2, "a" * length, f"run_{number}")
        messages.append(answer)
        steps += [called(f"run_{number}", *["o" * length] * calls)] if calls else []
        steps.append(wrote(answer))
    messages.append(said(2 * len(turns) + 1, "now?"))
    strategy = {"type": "last_messages", "last_messages": last} if last else {"type": "auto"}
    items, fits = window(Past(messages, steps), run_for(truncation_strategy=strategy), budget)
    made = [item.id for item in items if isinstance(item, Call)]
    assert made == [item.call_id for item in items if isinstance(item, CallOutput)]
    assert texts(items)[-1] == "now?"
    assert fits == (sum(estimate(item) for item in items) <= budget)
