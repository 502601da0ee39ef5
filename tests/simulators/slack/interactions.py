"""Commands, shortcuts, buttons and modals: the payloads, and the trigger ids and response addresses in them.

https://docs.slack.dev/interactivity/handling-user-interaction, https://docs.slack.dev/reference/interaction-payloads
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.simulators.slack import announce, events, rules
from tests.simulators.slack import blocks as block_kit
from tests.simulators.slack.delivery import Envelope
from tests.simulators.slack.posts import Channel, Post
from tests.simulators.slack.values import JSON, Ephemeral, Refusal
from tests.simulators.slack.views import OpenView

if TYPE_CHECKING:
    from tests.simulators.slack.people import Person
    from tests.simulators.slack.workspace import Workspace

TRIGGER_SECONDS = 3
"""https://docs.slack.dev/interactivity/handling-user-interaction#trigger_id"""
HOOK_USES, HOOK_SECONDS = 5, 30 * 60
"""https://docs.slack.dev/interactivity/handling-user-interaction#message_responses"""


class Answer(list[JSON]):
    """What the app said to a command or a press: the body of the acknowledgement where it had one, then every post
    to the `response_url`. The list grows as they come. `posts`: what these bodies put before people.
    """

    def __init__(self) -> None:
        super().__init__()
        self.posts: list[Post] = []

    @property
    def text(self) -> str:
        """All that a person reads of it, one body a line."""
        return "\n".join(block_kit.readable(body.get("blocks") or []) or str(body.get("text", "")) for body in self)


@dataclass(frozen=True, slots=True)
class Response:
    """One post to a `response_url`, and the message that it made or replaced, if any."""

    user: str
    channel: str
    body: JSON
    post: Post | None


class Triggers:
    """Trigger ids: each opens one view, within three seconds."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._issued: dict[str, tuple[float, str]] = {}
        self._used: set[str] = set()

    def issue(self, person: Person) -> str:
        trigger = f"{self._workspace.next_id('1')}.{self._workspace.next_id('2')}.{self._workspace.next_id('a')}"
        self._issued[trigger] = self._workspace.now(), person.id
        return trigger

    def use(self, trigger: str) -> str:
        """The person behind it. Raises `Refusal`."""
        if trigger not in self._issued:
            raise Refusal("invalid_trigger_id")
        if trigger in self._used:
            raise Refusal("exchanged_trigger_id")
        at, person = self._issued[trigger]
        if self._workspace.now() - at > TRIGGER_SECONDS:
            raise Refusal("expired_trigger_id")
        self._used.add(trigger)
        return person


@dataclass(slots=True)
class Hook:
    """A response_url: who sees what is posted to it, and the message that it can replace."""

    person: str
    channel: Channel
    at: float
    answer: Answer
    source: Post | None
    uses: int = 0


class Hooks:
    """The response_urls that are out."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._hooks: dict[str, Hook] = {}

    def issue(self, person: Person, channel: Channel, source: Post | None = None) -> tuple[str, Hook]:
        id_ = self._workspace.next_id("hook-")
        self._hooks[id_] = Hook(person.id, channel, self._workspace.now(), Answer(), source)
        return f"{self._workspace.base}/commands/{id_}", self._hooks[id_]

    def acknowledged(self, hook: Hook, body: JSON) -> None:
        """An answer within the acknowledgement of a command. Raises `Refusal`."""
        post = self._shown(hook, body, rules.blocks(self._workspace, body.get("blocks") or []))
        hook.answer.insert(0, body)
        hook.answer.posts[:0] = [post] if post else []
        self._workspace.changed()

    def receive(self, id_: str, body: JSON) -> None:
        """A post of the app. Raises `Refusal`."""
        hook = self._hooks.get(id_)
        if hook is None or self._workspace.now() - hook.at > HOOK_SECONDS:
            raise Refusal("expired_url", status=404)
        if hook.uses >= HOOK_USES:
            raise Refusal("used_url", status=404)
        blocks = rules.blocks(self._workspace, body.get("blocks") or [])
        hook.uses += 1
        hook.answer.append(body)
        post = self._shown(hook, body, blocks)
        hook.answer.posts += [post] if post else []
        self._workspace.responses.append(Response(hook.person, hook.channel.id, body, post))
        self._workspace.changed()

    def _shown(self, hook: Hook, body: JSON, blocks: list[JSON]) -> Post | None:
        workspace, source = self._workspace, hook.source
        if body.get("delete_original") and source:
            source.deleted = True
            return None
        if body.get("replace_original") and source:
            source.raw, source.blocks, source.rewritten = str(body.get("text", "")), blocks, True
            workspace.noted(source)
            return source
        post = Post(hook.channel, workspace.next_ts(), workspace.bot_user, str(body.get("text", "")))
        post.bot_id, post.blocks, post.thread_ts = workspace.bot_id, blocks, body.get("thread_ts")
        if body.get("response_type") == "in_channel":
            hook.channel.add(post)
            announce.said(workspace, post)
            workspace.noted(post)
            return post
        post.ephemeral = True
        workspace.ephemeral_posts.append(post)
        workspace.ephemerals.append(Ephemeral(hook.person, hook.channel.id, post.thread_ts, post.text))
        return post


async def command(workspace: Workspace, person: Person, name: str, text: str, channel: Channel) -> Answer:
    workspace.tokens.require("commands")
    url, hook = workspace.hooks.issue(person, channel)
    payload = {
        "token": "verification",
        "team_id": workspace.team_id,
        "team_domain": "acme",
        "channel_id": channel.id,
        "channel_name": "directmessage" if channel.kind == "im" else channel.name,
        "user_id": person.id,
        "user_name": person.name.lower(),
        "command": name,
        "text": text,
        "api_app_id": workspace.app_id,
        "is_enterprise_install": "false",
        "response_url": url,
        "trigger_id": workspace.triggers.issue(person),
    }
    if said := await workspace.delivery.ask(Envelope("slash_commands", payload)):
        workspace.hooks.acknowledged(hook, said)
    return hook.answer


async def shortcut(workspace: Workspace, person: Person, callback_id: str, post: Post) -> Answer:
    url, hook = workspace.hooks.issue(person, post.channel)
    payload = _interaction(workspace, person, "message_action") | {
        "callback_id": callback_id,
        "action_ts": workspace.next_ts(),
        "channel": _channel(post.channel),
        "response_url": url,
        "message_ts": post.ts,
        "message": events.message(workspace, post),
    }
    await workspace.delivery.ask(Envelope("interactive", payload))
    return hook.answer


async def press(
    workspace: Workspace, person: Person, place: Post | OpenView, action_id: str, value: str | None
) -> Answer:
    block, element = place.element(action_id)
    payload = _interaction(workspace, person, "block_actions")
    answer = Answer()
    if isinstance(place, Post):
        url, hook = workspace.hooks.issue(person, place.channel, place)
        answer = hook.answer
        container: JSON = {"type": "message", "message_ts": place.ts, "channel_id": place.channel.id}
        container["is_ephemeral"] = place.ephemeral
        if place.thread_ts:
            container["thread_ts"] = place.thread_ts
        payload |= {"container": container, "channel": _channel(place.channel), "response_url": url}
        if not place.ephemeral:
            payload["message"] = events.message(workspace, place)
    else:
        payload |= {"container": {"type": "view", "view_id": place.id}, "view": place.payload}
    action = _action(element, value) | {"block_id": block["block_id"], "action_ts": workspace.next_ts()}
    chosen = {key: action[key] for key in ("type", "selected_option") if "selected_option" in action}
    values = {block["block_id"]: {element["action_id"]: chosen}} if chosen else {}
    payload |= {"actions": [action], "state": {"values": values}}
    await workspace.delivery.ask(Envelope("interactive", payload))
    return answer


async def pick(workspace: Workspace, person: Person, place: Post | OpenView, label: str) -> Answer:
    """Press the button that is called so, or choose the option of a menu that is."""
    seen: list[str] = []
    for _, element in place.elements():
        for one in [element, *(element.get("options") or [])]:
            text = one.get("text")
            seen.append(str(text.get("text")) if isinstance(text, dict) else "")
            if seen[-1] == label:
                return await press(workspace, person, place, element["action_id"], one.get("value"))
    raise LookupError(f"no {label!r} in {place.text!r}; there are {seen}")


async def submit(workspace: Workspace, person: Person, view: OpenView, values: Mapping[str, object]) -> JSON:
    if not view.open:
        raise LookupError(f"{view.view.get('callback_id')} is closed")
    view.check_filled(values)
    payload = _interaction(workspace, person, "view_submission")
    payload |= {"view": view.submitted(values), "response_urls": []}
    answer = await workspace.delivery.ask(Envelope("interactive", payload))
    if "view" in answer:
        rules.view(workspace, answer["view"])
    view.answered(answer)
    if answer.get("response_action") == "push":
        workspace.views.append(OpenView(workspace.next_id("V"), person.id, answer["view"], workspace.team_id))
    workspace.changed()
    return answer


def stop(workspace: Workspace, person: Person, channel: Channel, thread_ts: str) -> None:
    session = workspace.threads.sessions.get((channel.id, thread_ts))
    running = [post for post in workspace.thread(channel, thread_ts) if post.streaming]
    if "agent_session_stopped" not in workspace.events:
        raise LookupError("Slack shows no Stop: the app is not subscribed to agent_session_stopped")
    if not running and (session is None or session.status != "processing"):
        raise LookupError(f"Slack shows no Stop: the session is {session and session.status}")
    for post in running:
        if post.stream:
            post.stream.ended = "stopped_by_user"
    announce.stopped(workspace, channel, thread_ts, person.id, [post.ts for post in running])
    workspace.changed()


def _interaction(workspace: Workspace, person: Person, kind: str) -> JSON:
    user = {"id": person.id, "username": person.name.lower(), "name": person.name.lower(), "team_id": person.team_id}
    return {
        "type": kind,
        "token": "verification",
        "team": {"id": workspace.team_id, "domain": "acme"},
        "user": user,
        "api_app_id": workspace.app_id,
        "trigger_id": workspace.triggers.issue(person),
        "is_enterprise_install": False,
        "enterprise": None,
    }


def _channel(channel: Channel) -> JSON:
    return {"id": channel.id, "name": "directmessage" if channel.kind == "im" else channel.name}


def _action(element: JSON, value: str | None) -> JSON:
    """https://docs.slack.dev/reference/interaction-payloads/block_actions-payload"""
    found: JSON = {"type": element["type"], "action_id": element["action_id"]}
    match element["type"]:
        case "feedback_buttons":
            buttons = [element["positive_button"], element["negative_button"]]
            chosen = _chosen(buttons, value)
            return found | {"text": chosen["text"], "value": chosen["value"]}
        case "button" | "icon_button":
            return found | {name: element[name] for name in ("text", "value", "style") if name in element}
        case "checkboxes" | "multi_static_select":
            return found | {"selected_options": [_chosen(element["options"], one) for one in (value or "").split(",")]}
        case "users_select":
            return found | {"selected_user": value}
    return found | {"selected_option": _chosen(element["options"], value)}


def _chosen(options: list[JSON], value: str | None) -> Any:
    for option in options:
        if value is None or option["value"] == value:
            return option
    raise LookupError(f"no {value} among {[option['value'] for option in options]}")
