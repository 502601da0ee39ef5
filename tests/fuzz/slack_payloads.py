"""What Slack may deliver: sound payloads with whatever texts, broken ones, and such as no Slack ever sends.

An example tells what is sent by its shape, and `{name}` where the stage puts in what there is just then: a channel, a
fresh `ts`, the code of a button.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from adapters.slack.dashboard import ASSISTANT, CHANGE, FIELDS
from tests.fuzz.breaking import Break, breaks, broken
from tests.fuzz.slack_home import AtHome, Changes, at_home, changes
from tests.fuzz.values import junk, odd, texts

JSON = dict[str, Any]
Kind = Literal["events_api", "slash_commands", "interactive"]
Place = Literal["channel", "thread", "direct"]


@dataclass(frozen=True, slots=True)
class Says:
    """Somebody says something to Parley, soundly: it gets one answer, whatever it says."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Delivered:
    """An envelope of Slack's with a payload of a shape, broken in places. `text` is what people wrote in it."""

    kind: Kind
    shape: str
    text: str
    wrong: tuple[Break, ...] = ()

    @property
    def is_sound_question(self) -> bool:
        came_so = self.kind == ("interactive" if self.shape == "question" else "events_api")
        return self.shape in QUESTIONS and came_so and not self.wrong

    def payload(self, values: Mapping[str, Any]) -> Any:
        return broken(put_in(SHAPES[self.shape], {**values, "text": self.text}), self.wrong)


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button or an option with a code that somebody made up: that of a real one, with one part of it replaced."""

    part: int
    value: str
    menu: bool
    home: bool = False

    def code(self, real: str) -> str:
        parts = real.replace(":", "\0:\0").replace(".", "\0.\0").split("\0")
        parts[self.part % len(parts)] = self.value
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Frame:
    """These very characters: as a frame of the WebSocket, or as the body of a request."""

    text: str


@dataclass(frozen=True, slots=True)
class Forged:
    """A sound payload over HTTP, but not signed as Slack does."""

    how: Literal["signature", "stale", "future", "no timestamp", "no signature", "odd timestamp", "odd signature"]
    value: str
    shape: str


Case = Says | Delivered | Pressed | Frame | Forged | AtHome | Changes

USER = {"id": "{user}", "username": "bob", "name": "bob", "team_id": "T1"}
MESSAGE = {"type": "message", "ts": "{ts}", "text": "<@UBOT> {text}", "user": "{user}", "team": "T1"}
IN_CHANNEL = {"channel": "{channel}", "channel_type": "channel", "event_ts": "{ts}"}
FILE = {"id": "F1", "name": "{text}", "mimetype": "text/plain", "size": 3, "url_private": "https://x.invalid/f"}
INTERACTION = {
    "token": "verification",
    "team": {"id": "T1", "domain": "acme"},
    "user": USER,
    "api_app_id": "A1",
    "trigger_id": "{trigger}",
    "is_enterprise_install": False,
    "enterprise": None,
}
CONTAINER = {"type": "message", "message_ts": "{asked}", "channel_id": "{channel}", "thread_ts": "{root}"}
BUTTON = {"type": "button", "action_id": "{code}", "block_id": "b", "value": "{code}", "action_ts": "{ts}"}
OPTION = {"text": {"type": "plain_text", "text": "One"}, "value": "{code}"}
MENU = {"type": "static_select", "action_id": "ask {code}", "block_id": "b", "selected_option": OPTION}
ABOUT = {"channel": "{channel}", "thread": "{root}", "by": "<@{user}>", "text": "{text}", "files": []}
ANSWERED = {"button": "{code}", "channel": "{channel}", "thread": "{root}"}


def _event(**event: Any) -> JSON:
    authorization = {"enterprise_id": None, "team_id": "T1", "user_id": "UBOT", "is_bot": True}
    return {
        "token": "verification",
        "team_id": "T1",
        "api_app_id": "A1",
        "event": event,
        "type": "event_callback",
        "event_id": "{event}",
        "event_time": 1_800_000_000,
        "authorizations": [authorization],
        "event_context": "4-x",
    }


def _view(callback: str, about: Any, block: str, action: str) -> JSON:
    values = {block: {action: {"type": "plain_text_input", "value": "{text}"}}}
    view = {"id": "{view}", "type": "modal", "callback_id": callback, "state": {"values": values}, "hash": "h"}
    return INTERACTION | {"type": "view_submission", "view": view | {"private_metadata": json.dumps(about)}}


def _form() -> JSON:
    """The form for the assistant, with a text in each of its fields."""
    inputs: list[JSON] = []
    for name in FIELDS:
        element = {"type": "plain_text_input", "action_id": name, "initial_value": "1"}
        inputs.append(
            {"type": "input", "block_id": name, "label": {"type": "plain_text", "text": "L"}} | {"element": element}
        )
    kept = {"assistant": "zq", "was": dict.fromkeys(FIELDS, "zq")}
    form = _view(CHANGE, kept, "model", "model")
    state = {name: {name: {"type": "plain_text_input", "value": "{text}"}} for name in FIELDS}
    return form | {"view": form["view"] | {"blocks": inputs, "state": {"values": state}}}


_MENTION = MESSAGE | IN_CHANNEL | {"type": "app_mention"}
_CHANGED = {"type": "message", "subtype": "message_changed", "hidden": True, "message": MESSAGE | {"ts": "{asked}"}}
_DELETED = {"type": "message", "subtype": "message_deleted", "hidden": True, "deleted_ts": "{asked}", "ts": "{ts}"}
_STOPPED = {"type": "agent_session_stopped", "channel": "{channel}", "thread_ts": "{root}", "user": "{user}"}
_HOME = {"type": "app_home_opened", "user": "{user}", "channel": "{channel}", "tab": "home", "event_ts": "{ts}"}
_JOINED = {"type": "member_joined_channel", "user": "UBOT", "team": "T1", "inviter": "{user}", "channel_type": "C"}
_PRESS = INTERACTION | {"type": "block_actions", "container": CONTAINER, "channel": {"id": "{channel}", "name": "g"}}

SHAPES: dict[str, JSON] = {
    "message": _event(**MESSAGE, **IN_CHANNEL),
    "mention": _event(**_MENTION),
    "direct": _event(**MESSAGE, **IN_CHANNEL | {"channel": "{direct}", "channel_type": "im"}),
    "reply": _event(**MESSAGE, **IN_CHANNEL, thread_ts="{root}"),
    "files": _event(**MESSAGE, **IN_CHANNEL, subtype="file_share", files=[FILE]),
    "changed": _event(**_CHANGED, **IN_CHANNEL, ts="{ts}", previous_message=MESSAGE | {"ts": "{asked}", "text": "was"}),
    "deleted": _event(**_DELETED, **IN_CHANNEL, previous_message=MESSAGE | {"ts": "{asked}"}),
    "stopped": _event(**_STOPPED, event_ts="{ts}", streaming_message_ts=["{asked}"]),
    "home": _event(**_HOME),
    "joined": _event(**_JOINED, channel="{channel}", event_ts="{ts}"),
    "uninstalled": _event(type="app_uninstalled"),
    "reaction": _event(type="reaction_added", user="{user}", item={"type": "message", "ts": "{asked}"}),
    "url check": {"type": "url_verification", "token": "verification", "challenge": "{text}"},
    "limited": {"type": "app_rate_limited", "team_id": "T1", "minute_rate_limited": 1, "api_app_id": "A1"},
    "press": _PRESS | {"actions": [BUTTON], "message": MESSAGE | {"ts": "{asked}"}, "response_url": "{url}"},
    "menu": _PRESS | {"actions": [MENU], "message": MESSAGE | {"ts": "{asked}"}, "response_url": "{url}"},
    "home press": INTERACTION | {"type": "block_actions", "actions": [BUTTON | {"action_id": CHANGE}]},
    "home menu": INTERACTION | {"type": "block_actions", "actions": [MENU | {"action_id": ASSISTANT}]},
    "home code": INTERACTION | {"type": "block_actions", "actions": [BUTTON | {"action_id": "home:{code}"}]},
    "shortcut": INTERACTION
    | {"type": "message_action", "callback_id": "ask_parley", "channel": {"id": "{channel}", "name": "g"}}
    | {"message": MESSAGE | {"ts": "{asked}"}, "message_ts": "{asked}", "response_url": "{url}"},
    "global shortcut": INTERACTION | {"type": "shortcut", "callback_id": "zq", "action_ts": "{ts}"},
    "question": _view("ask_parley", ABOUT, "question", "question"),
    "answer": _view("parley_words", ANSWERED, "answer", "words"),
    "home form": _form(),
    "closed": _view("parley_words", ANSWERED, "answer", "words") | {"type": "view_closed", "is_cleared": False},
    "suggestion": INTERACTION | {"type": "block_suggestion", "action_id": "zq", "value": "{text}"},
    "dialog": INTERACTION | {"type": "dialog_submission", "callback_id": "zq", "submission": {"zq": "{text}"}},
    "workflow": INTERACTION | {"type": "workflow_step_edit", "callback_id": "zq", "workflow_step": {}},
    "unknown": INTERACTION | {"type": "{text}", "callback_id": "zq"},
    "command": {
        "token": "verification",
        "team_id": "T1",
        "team_domain": "acme",
        "channel_id": "{channel}",
        "channel_name": "general",
        "user_id": "{user}",
        "user_name": "bob",
        "command": "/parley",
        "text": "{text}",
        "api_app_id": "A1",
        "is_enterprise_install": "false",
        "response_url": "{url}",
        "trigger_id": "{trigger}",
    },
}
EVENTS = tuple(name for name, shape in SHAPES.items() if "event" in shape or name in ("url check", "limited"))
INTERACTIONS = tuple(name for name in SHAPES if name not in EVENTS and name != "command")
MESSAGES = frozenset({"message", "mention", "direct", "reply", "files", "question", "command"})
"""The shapes by which a question can come."""
QUESTIONS = frozenset({"message", "mention", "direct", "reply", "files", "question"})
"""Those of them by which one comes for sure."""
POSTED = frozenset({"command", "question"})
"""Those whose question Parley posts itself, since nobody else sees it."""
WORDS = (
    "help",
    "tools list",
    "usage",
    "ask {}",
    "stop",
    "why",
    "assistant show",
    "budget",
    "export",
    "audit",
    "zq",
    "ASK",
)


def cases(*, http: bool) -> SearchStrategy[Case]:
    wrong = breaks().map(tuple)
    said = st.builds(Says, texts(), st.sampled_from(["channel", "thread", "direct"]))
    event = st.builds(Delivered, st.just("events_api"), st.sampled_from(EVENTS), texts(), wrong)
    interaction = st.builds(Delivered, st.just("interactive"), st.sampled_from(INTERACTIONS), texts(), wrong)
    line = st.builds(lambda words, text: words.replace("{}", text), st.sampled_from(WORDS), texts()) | texts()
    command = st.builds(Delivered, st.just("slash_commands"), st.just("command"), line, wrong)
    crossed = st.builds(
        Delivered, st.sampled_from(["events_api", "slash_commands", "interactive"]), st.sampled_from([*SHAPES]), texts()
    )
    value = st.sampled_from(
        ["", "0", "1", "2", "99", "-1", "1e9", "x", "²", "٣", "\ud800", "answer", "write", "approve", "stop"]
    )
    pressed = st.builds(Pressed, st.integers(0, 8), value | texts(), st.booleans(), st.booleans())
    frame = st.builds(Frame, junk() | st.builds(json.dumps, odd()) | st.builds(_envelope, odd(), odd(), odd()))
    ways: list[SearchStrategy[Case]] = [said, event, event, interaction, interaction, command, pressed, frame, crossed]
    ways += [at_home(), changes(), changes()]
    if http:
        ways += [st.builds(Forged, st.sampled_from(FORGERIES), texts(), st.sampled_from(EVENTS))]
    return st.integers(0, len(ways) - 1).flatmap(lambda number: ways[number])


FORGERIES = ("signature", "stale", "future", "no timestamp", "no signature", "odd timestamp", "odd signature")


def _envelope(kind: Any, id_: Any, payload: Any) -> str:
    return json.dumps({"type": kind, "envelope_id": id_, "payload": payload})


def put_in(shape: Any, values: Mapping[str, Any]) -> Any:
    """The shape with `{name}` replaced in each of its texts; JSON inside of a text stays JSON."""
    if isinstance(shape, dict):
        return {key: put_in(value, values) for key, value in shape.items()}
    if isinstance(shape, list):
        return [put_in(value, values) for value in shape]
    if not isinstance(shape, str):
        return shape
    if shape.startswith('{"'):
        return json.dumps(put_in(json.loads(shape), values))
    for name, value in values.items():
        shape = shape.replace(f"{{{name}}}", str(value))
    return shape
