"""Tools that ask: a quiz, and a tool whose calls are to be approved; and how a test answers them."""

from __future__ import annotations

from typing import Any

from bot.buttons import Button
from bot.view import Ask
from tools.quiz import display_quiz
from tools.registry import Registry, tool

MULTIPLE, FREE = "MULTIPLE_CHOICE", "FREE_RESPONSE"


@tool(approval=True)
async def send_mail(to: str, text: str) -> str:
    """Sends a mail."""
    sent.append((to, text))
    return f"Sent to {to}."


sent: list[tuple[str, str]] = []
"""The mails that were sent, since the test began: `registry` empties it."""


def registry(*more: Any) -> Registry:
    sent.clear()
    return Registry([display_quiz, send_mail, *more])


def choice(text: str, *choices: str) -> dict[str, Any]:
    return {"question_text": text, "question_type": MULTIPLE, "choices": list(choices)}


def free(text: str) -> dict[str, Any]:
    return {"question_text": text, "question_type": FREE, "choices": []}


def quiz(*questions: dict[str, Any], title: str = "Capitals") -> tuple[str, dict[str, Any]]:
    """A call of the tool, as the scripted model makes it."""
    return "display_quiz", {"title": title, "questions": list(questions)}


def mail(to: str = "bob@example.com", text: str = "Hello") -> tuple[str, dict[str, Any]]:
    return "send_mail", {"to": to, "text": text}


def button(ask: Ask, label: str) -> Button:
    """The button of an option by its label."""
    return next(option.button for option in ask.options if option.label == label)
