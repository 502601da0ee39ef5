"""Block Kit: messages, buttons, the Home tab and the one form, as Slack takes them.

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

STOP, FEEDBACK = "stop", "feedback"


def message(text: str, lines: Sequence[str] = (), buttons: Sequence[Button] = ()) -> list[Block]:
    """`text` is Markdown as `to_slack` makes it; `lines` tell of tools at work."""
    blocks: list[Block] = []
    if lines:
        blocks.append({"type": "context", "elements": [_plain(quiet(line)) for line in lines[-10:]]})
    if text.strip():
        blocks.append({"type": "markdown", "text": text})
    return [*blocks, *under(buttons)]


def under(buttons: Sequence[Button]) -> list[Block]:
    """The buttons below a message: thumbs for feedback, or one to stop."""
    feedback = {button.argument: button for button in buttons if button.verb == "feedback"}
    if {"good", "bad"} <= feedback.keys():
        return [{"type": "context_actions", "elements": [_thumbs(feedback["good"], feedback["bad"])]}]
    return [{"type": "actions", "elements": [_stop(button)]} for button in buttons if button.verb == "stop"]


def _thumbs(good: Button, bad: Button) -> Block:
    """https://docs.slack.dev/reference/block-kit/block-elements/feedback-buttons-element"""
    return {
        "type": "feedback_buttons",
        "action_id": FEEDBACK,
        "positive_button": {"text": _plain("Good answer"), "value": good.encode()},
        "negative_button": {"text": _plain("Bad answer"), "value": bad.encode()},
    }


def _stop(button: Button) -> Block:
    return {"type": "button", "action_id": STOP, "text": _plain("Stop"), "value": button.encode()}


def home(help_text: str, tools: str, mention: str) -> Mapping[str, Any]:
    """The Home tab: what Parley can do here."""
    how = (
        f"Mention {mention} in a channel that I am in, and I answer in the thread; talk on there without a mention. "
        "Or write to me in the Messages tab, or say `/parley ask` and your question."
    )
    return {
        "type": "home",
        "blocks": [
            {"type": "header", "text": _plain("Parley")},
            _section(how),
            {"type": "divider"},
            {"type": "header", "text": _plain("What I can use")},
            _section(_listed(tools)),
            {"type": "divider"},
            {"type": "header", "text": _plain("What you can say")},
            _section(_listed(help_text)),
        ],
    }


def question_form(about: str) -> Mapping[str, Any]:
    """The form of the message shortcut; `about` comes back as its `private_metadata` (at most 3,000 characters)."""
    question = {
        "type": "plain_text_input",
        "action_id": "question",
        "multiline": True,
        "max_length": QUESTION_LIMIT,
        "placeholder": _plain("What does this mean for us?"),
    }
    return {
        "type": "modal",
        "callback_id": SHORTCUT,
        "private_metadata": about,
        "title": _plain("Ask about a message"),
        "submit": _plain("Ask"),
        "close": _plain("Cancel"),
        "blocks": [{"type": "input", "block_id": "question", "label": _plain("Your question"), "element": question}],
    }


def quiet(text: str) -> str:
    """A title or a line of plain text that notifies nobody, even if Slack should look for mentions in it."""
    return BROADCAST.sub("@" + QUIET, TOKEN.sub("<" + QUIET, text))


def escaped(text: str) -> str:
    """Plain text for `mrkdwn`: https://docs.slack.dev/messaging/formatting-message-text#escaping"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _listed(text: str) -> str:
    return escaped("\n".join(f"• {line}" for line in text.splitlines()))[:2_900] or "…"


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}
