"""Block Kit: messages, buttons and the form of a question, as Slack takes them.

Limits: 12,000 characters of `markdown` blocks in a message (https://docs.slack.dev/reference/block-kit/blocks/markdown-block),
50 blocks in a message and 100 in a view (https://docs.slack.dev/reference/block-kit/blocks).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.markdown import QUIET
from adapters.slack.manifest import SHORTCUT
from adapters.slack.markdown import BROADCAST, TOKEN
from bot.buttons import Button

Block = dict[str, Any]

QUESTION_LIMIT = 2_000
"""Characters of the form's question; `plain_text_input` takes 3,000."""

FEEDBACK = "feedback"
NAMES = {"stop": "Stop", "why": "Why?"}
"""What stands on the buttons below messages."""


def message(text: str, lines: Sequence[str] = (), buttons: Sequence[Button] = ()) -> list[Block]:
    """`text` is Markdown as `to_slack` makes it; `lines` tell of tools at work."""
    blocks: list[Block] = []
    if lines:
        blocks.append({"type": "context", "elements": [plain(quiet(line)) for line in lines[-10:]]})
    if text.strip():
        blocks.append({"type": "markdown", "text": text})
    return [*blocks, *under(buttons)]


def under(buttons: Sequence[Button]) -> list[Block]:
    """The buttons below a message: one to stop, or thumbs for feedback and one that asks why."""
    feedback = {button.argument: button for button in buttons if button.verb == "feedback"}
    below: list[Block] = []
    if {"good", "bad"} <= feedback.keys():
        below.append({"type": "context_actions", "elements": [_thumbs(feedback["good"], feedback["bad"])]})
    pressed = [_button(button) for button in buttons if button.verb in NAMES]
    return [*below, {"type": "actions", "elements": pressed}] if pressed else below


def _thumbs(good: Button, bad: Button) -> Block:
    """https://docs.slack.dev/reference/block-kit/block-elements/feedback-buttons-element"""
    return {
        "type": "feedback_buttons",
        "action_id": FEEDBACK,
        "positive_button": {"text": plain("Good answer"), "value": good.encode()},
        "negative_button": {"text": plain("Bad answer"), "value": bad.encode()},
    }


def _button(button: Button) -> Block:
    shown = plain(NAMES[button.verb])
    return {"type": "button", "action_id": button.verb, "text": shown, "value": button.encode()}


def question_form(about: str) -> Mapping[str, Any]:
    """The form of the message shortcut; `about` comes back as its `private_metadata` (at most 3,000 characters)."""
    question = {
        "type": "plain_text_input",
        "action_id": "question",
        "multiline": True,
        "max_length": QUESTION_LIMIT,
        "placeholder": plain("What does this mean for us?"),
    }
    return {
        "type": "modal",
        "callback_id": SHORTCUT,
        "private_metadata": about,
        "title": plain("Ask about a message"),
        "submit": plain("Ask"),
        "close": plain("Cancel"),
        "blocks": [{"type": "input", "block_id": "question", "label": plain("Your question"), "element": question}],
    }


def quiet(text: str) -> str:
    """A title or a line of plain text that notifies nobody, even if Slack should look for mentions in it."""
    return BROADCAST.sub("@" + QUIET, TOKEN.sub("<" + QUIET, text))


def escaped(text: str) -> str:
    """Plain text for `mrkdwn`: https://docs.slack.dev/messaging/formatting-message-text#escaping"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def asked(name: str, question: str) -> str:
    """What somebody asked by a command or a form, as `mrkdwn` for the conversation that it is asked in."""
    return f"*{_spoken(name)}* asks:\n{quoted(_spoken(question))}"


def quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())


def _spoken(text: str) -> str:
    """What a person wrote, in `mrkdwn` that notifies nobody."""
    return BROADCAST.sub("@" + QUIET, escaped(text))


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def fitting(text: str, longest: int) -> str:
    """Plain text, cut with an ellipsis where it has more characters than that."""
    if units(text) <= longest:
        return text
    kept = text.encode("utf-16-le", "surrogatepass")[: 2 * (longest - 1)]
    return kept.decode("utf-16-le", "ignore").rstrip() + "…"


def units(text: str) -> int:
    """Characters as JavaScript counts them, which are never fewer than those that Slack may count."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
