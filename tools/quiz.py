"""A quiz for the person who asked: questions with choices, or to be answered in words of one's own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.asking import Form, Question
from tools.registry import ToolError, tool

Choice = Annotated[str, Field(min_length=1, max_length=200)]


class QuizQuestion(BaseModel):
    model_config = ConfigDict(extra="forbid")

    question_text: Annotated[str, Field(min_length=1, max_length=1_000)]
    question_type: Literal["MULTIPLE_CHOICE", "FREE_RESPONSE"]
    choices: Annotated[
        list[Choice], Field(max_length=20, description="At least two for MULTIPLE_CHOICE, none for FREE_RESPONSE.")
    ] = []


@tool
def display_quiz(
    title: Annotated[str, Field(min_length=1, max_length=200, description="What the quiz is about.")],
    questions: Annotated[list[QuizQuestion], Field(min_length=1, max_length=10)],
) -> Form:
    """Display a quiz to the person who asked, and wait for the answers: a list of them, in the order of the questions.

    The quiz shows the questions itself: do not repeat them. Give feedback when you know the answers.
    """
    return Form(title, [_question(number, question) for number, question in enumerate(questions, 1)])


def _question(number: int, asked: QuizQuestion) -> Question:
    wanted = asked.question_type == "MULTIPLE_CHOICE"
    if wanted and len(asked.choices) < 2:
        raise ToolError(f"Question {number} is MULTIPLE_CHOICE and needs at least two choices.")
    if not wanted and asked.choices:
        raise ToolError(f"Question {number} is FREE_RESPONSE and takes no choices.")
    if len(set(asked.choices)) < len(asked.choices):
        raise ToolError(f"Question {number} has the same choice twice.")
    return Question(asked.question_text, asked.choices)
