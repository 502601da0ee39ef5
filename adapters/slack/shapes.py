"""Shapes: whether a payload is one that Parley can read, so far as it looks into it.

What Slack documents is let through with all that Parley does not look at. Everything else is told apart here, once, so
that nobody behind has to expect a number where a text belongs.
https://docs.slack.dev/apis/events-api, https://docs.slack.dev/reference/interaction-payloads
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qsl

from pydantic import AfterValidator, AliasPath, BeforeValidator, Field, model_validator

from adapters.shape import Maybe, Shape, Text, misfit
from adapters.slack.asking import FORM
from adapters.slack.dashboard import CHANGE, FIELDS
from adapters.slack.hearing import SPOKEN
from adapters.slack.manifest import SHORTCUT
from bot.assistants.types import well_formed

LONGEST_ID = 200
"""Characters: Slack's have twenty at most. Ids go into addresses, and into the store as they are."""


def _id(id_: str) -> str:
    if len(id_) > LONGEST_ID or well_formed(id_) != id_:
        raise ValueError
    return id_


Id = Annotated[Text, AfterValidator(_id)]


class Named(Shape):
    id: Id


class Person(Named):
    team_id: Id | None = None


class File(Named):
    name: Maybe = None
    title: Maybe = None
    mimetype: Maybe = None
    size: int | float | None = None
    url_private: Maybe = None
    url_private_download: Maybe = None


class Profile(Shape):
    name: Maybe = None


class Said(Shape):
    """What every form of a message has, if it has it at all."""

    user: Id | None = None
    text: Maybe = None
    thread_ts: Id | None = None
    subtype: Maybe = None
    files: list[File] | None = None
    username: Maybe = None
    bot_profile: Profile | None = None


class Message(Said):
    ts: Id


class Before(Said):
    ts: Id | None = None


class Attachment(Shape):
    fallback: Maybe = None
    text: Maybe = None


class About(Message):
    """A message that somebody asks about: all that it says is looked at."""

    attachments: list[Attachment] | None = None
    blocks: list[dict[str, Any]] | None = None


class Event(Shape):
    type: Text
    subtype: Maybe = None


class Spoken(Message):
    channel: Id
    channel_type: Maybe = None
    user_team: Id | None = None
    team: Id | None = None


class Changed(Shape):
    channel: Id
    message: Before | None = None
    previous_message: Before | None = None
    ts: Id | None = None
    event_ts: Maybe = None


class Deleted(Shape):
    channel: Id
    deleted_ts: Id
    previous_message: Before | None = None


class Stopped(Shape):
    channel: Id
    thread_ts: Id
    user: Id


class Opened(Shape):
    user: Id


class Joined(Shape):
    user: Id
    channel: Id
    inviter: Id | None = None


EVENTS: Mapping[str, type[Shape]] = {
    "app_mention": Spoken,
    "agent_session_stopped": Stopped,
    "app_home_opened": Opened,
    "member_joined_channel": Joined,
}
OF_MESSAGES: Mapping[str | None, type[Shape]] = {"message_changed": Changed, "message_deleted": Deleted}


class Delivered(Shape):
    type: Text
    event_id: Text
    event: Event


class Command(Shape):
    command: Text
    text: Text = ""
    channel_id: Id
    user_id: Id
    user_name: Text = ""
    team_id: Maybe = None
    response_url: Text
    trigger_id: Id


class Option(Shape):
    value: Maybe = None


class Action(Shape):
    action_id: Text
    value: Maybe = None
    selected_option: Option | None = None


class Container(Shape):
    channel_id: Text = ""
    thread_ts: Id | None = None


class Press(Shape):
    user: Person
    trigger_id: Id
    actions: Annotated[list[Action], Field(min_length=1)]
    container: Container | None = None
    channel: Named | None = None
    message: Before | None = None


class AboutMessage(Shape):
    user: Person
    trigger_id: Id
    callback_id: Text
    channel: Named
    message: About


class Value(Shape):
    value: Maybe = None


class State(Shape):
    values: dict[str, dict[str, Value]]


class View(Named):
    callback_id: Text
    private_metadata: Text
    state: State


class Sent(Shape):
    user: Person
    view: View


class Button(Shape):
    """What `asking.form` remembers."""

    button: Text
    channel: Id
    thread: Id


class Quoted(Shape):
    """What `about.about` remembers."""

    channel: Id
    thread: Id
    by: Text
    text: Text
    files: list[dict[str, Any]]


class Answered(Shape):
    words: Maybe = Field(validation_alias=AliasPath("state", "values", "answer", "words", "value"))
    private_metadata: Annotated[Button, BeforeValidator(json.loads)]


class Asked(Shape):
    question: Text = Field(validation_alias=AliasPath("state", "values", "question", "question", "value"))
    private_metadata: Annotated[Quoted, BeforeValidator(json.loads)]


class Input(Shape):
    initial_value: Maybe = None


class Block(Shape):
    type: Text
    block_id: Maybe = None
    element: Input | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Block:
        if self.type == "input" and (self.block_id is None or self.element is None):
            raise ValueError
        return self


class Settings(Shape):
    """Of each field of the form there is a value."""

    blocks: list[Block]
    state: State

    @model_validator(mode="after")
    def _is_filled(self) -> Settings:
        shown = {block.block_id for block in self.blocks if block.type == "input"}
        if any(field in shown and field not in self.state.values.get(field, ()) for field in FIELDS):
            raise ValueError
        return self


FORMS: Mapping[str, type[Shape]] = {FORM: Answered, SHORTCUT: Asked, CHANGE: Settings}
INTERACTIONS: Mapping[str, type[Shape]] = {
    "block_actions": Press,
    "message_action": AboutMessage,
    "view_submission": Sent,
}


class Challenge(Shape):
    challenge: Text


def parsed(body: str, content_type: str) -> Any:
    """The payload of a request's body. Raises `ValueError` or `RecursionError`."""
    if content_type.partition(";")[0].strip() == "application/json" or body.startswith("{"):
        return json.loads(body)
    form = dict(parse_qsl(body, keep_blank_values=True))
    return json.loads(form["payload"]) if "payload" in form else form


def problem(payload: Any) -> str:
    """Why a payload cannot be read, in a few words without what it says; empty where it can be."""
    if not isinstance(payload, dict):
        return "no object"
    if "event" in payload:
        return misfit(Delivered, payload) or _of_event(payload["event"])
    kind = payload.get("type")
    if kind == "url_verification":
        return misfit(Challenge, payload)
    if "ssl_check" in payload:
        return ""
    if kind is None and "command" in payload:
        return misfit(Command, payload)
    shape = INTERACTIONS.get(kind) if isinstance(kind, str) else None
    if shape is None:
        return "not a kind of payload that Parley knows"
    found = misfit(shape, payload)
    if found or shape is not Sent:
        return found
    form = FORMS.get(payload["view"]["callback_id"])
    return misfit(form, payload["view"]) if form else "no form of Parley's"


def _of_event(event: Mapping[str, Any]) -> str:
    kind, subtype = event["type"], event.get("subtype")
    shape = EVENTS.get(kind)
    if kind == "message":
        shape = OF_MESSAGES.get(subtype, Spoken if subtype in SPOKEN else None)
    return misfit(shape, event) if shape else ""
