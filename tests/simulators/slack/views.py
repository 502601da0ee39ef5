"""Modals and the Home tab: views.open, views.update and views.publish."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.simulators.slack import blocks as block_kit
from tests.simulators.slack import rules
from tests.simulators.slack.limits import TIER_4
from tests.simulators.slack.method import Method
from tests.simulators.slack.values import JSON, Refusal

if TYPE_CHECKING:
    from tests.simulators.slack.workspace import Workspace

BYTES = 250_000
"""view_too_large: https://docs.slack.dev/reference/methods/views.open#errors"""
_LONGEST = {"title": 24, "submit": 24, "close": 24, "callback_id": 255, "external_id": 255, "private_metadata": 3_000}
"""https://docs.slack.dev/reference/views/modal-views; the least is one, as of any text:
https://docs.slack.dev/reference/block-kit/composition-objects/text-object"""


@dataclass(eq=False)
class OpenView:
    """A modal or a Home tab that a person has before them. `view` is what the app gave; `errors` what it answered."""

    id: str
    person: str
    view: JSON
    team_id: str
    open: bool = True
    revision: int = 1
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        return f"{self.id}.{self.revision}"

    @property
    def text(self) -> str:
        """What a person reads in it."""
        return block_kit.readable(self.view["blocks"])

    @property
    def payload(self) -> JSON:
        """The view as payloads show it: https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload."""
        about: JSON = {"id": self.id, "team_id": self.team_id, "hash": self.hash, "app_id": "A1", "bot_id": "B1"}
        about |= {"root_view_id": self.id, "previous_view_id": None, "state": {"values": {}}}
        return {"callback_id": "", "private_metadata": "", "external_id": "", **self.view, **about}

    def element(self, action_id: str) -> tuple[JSON, JSON]:
        """The block and the element with this action id. Raises `LookupError`."""
        found = [(block, one) for block, one in self.elements() if one.get("action_id") == action_id]
        if not found:
            raise LookupError(f"no {action_id} among {[one.get('action_id') for _, one in self.elements()]}")
        return found[0]

    def elements(self) -> list[tuple[JSON, JSON]]:
        return list(block_kit.elements(self.view["blocks"]))

    def submitted(self, values: Mapping[str, object]) -> JSON:
        """The payload with what a person filled in; what is not given keeps its initial value. Raises `LookupError`."""
        state: dict[str, JSON] = {}
        left = dict(values)
        for block, element in self.elements():
            if block["type"] == "input" or "action_id" in element:
                place = f"{block['block_id']}/{element['action_id']}"
                given = left.pop(place, None)
                state.setdefault(block["block_id"], {})[element["action_id"]] = _filled(element, given)
        if left:
            raise LookupError(f"no {sorted(left)} in {sorted(state)}")
        return self.payload | {"state": {"values": state}}

    def check_filled(self, values: Mapping[str, object]) -> None:
        """What Slack lets a person send: all that is not optional, none of it too long or too short. Raises
        `LookupError`. https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element
        """
        for block, element in self.elements():
            if block["type"] == "input" and element["type"] == "plain_text_input":
                place = f"{block['block_id']}/{element['action_id']}"
                given = str(values.get(place, element.get("initial_value")) or "")
                least = element.get("min_length", 0 if block.get("optional") else 1)
                if not least <= len(given) <= element.get("max_length", 3_000):
                    raise LookupError(f"{place} does not take {len(given)} characters")

    def answered(self, answer: JSON) -> None:
        """https://docs.slack.dev/surfaces/modals#response_actions"""
        action = answer.get("response_action")
        self.errors = answer.get("errors") or {}
        if action == "update":
            self.change(answer["view"])
        elif action != "errors":
            self.open = action == "push"

    def change(self, view: JSON) -> None:
        self.view, self.revision = view, self.revision + 1


def open_view(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/views.open"""
    view = _checked(workspace, arguments["view"], "modal")
    person = workspace.triggers.use(arguments["trigger_id"])
    opened = OpenView(workspace.next_id("V"), person, view, workspace.team_id)
    workspace.views.append(opened)
    workspace.changed()
    return {"view": opened.payload}


def update_view(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/views.update"""
    known = [*workspace.views, *workspace.homes.values()]
    wanted = arguments.get("view_id"), arguments.get("external_id")
    found = [one for one in known if one.id == wanted[0] or (wanted[1] and one.view.get("external_id") == wanted[1])]
    if not found or not found[0].open:
        raise Refusal("not_found")
    _check_hash(found[0], arguments)
    found[0].change(_checked(workspace, arguments["view"], found[0].view["type"]))
    workspace.changed()
    return {"view": found[0].payload}


def publish_view(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/views.publish"""
    user = arguments["user_id"]
    if user not in workspace.people:
        raise Refusal("user_not_found")
    view = _checked(workspace, arguments["view"], "home")
    if shown := workspace.homes.get(user):
        _check_hash(shown, arguments)
        shown.change(view)
    else:
        workspace.homes[user] = OpenView(workspace.next_id("V"), user, view, workspace.team_id)
    workspace.changed()
    return {"view": workspace.homes[user].payload}


def _checked(workspace: Workspace, view: JSON, kind: str) -> JSON:
    if len(json.dumps(view)) > BYTES:
        raise Refusal("view_too_large")
    rules.view(workspace, view)
    if view["type"] != kind:
        raise Refusal("invalid_arguments", f"a {view['type']} view cannot be used here")
    for name, limit in _LONGEST.items():
        value = view.get(name) or ""
        if isinstance(value, dict) and not value["text"].strip():
            raise Refusal("invalid_arguments", f"must be more than 0 characters [json-pointer:/view/{name}/text]")
        if len(value["text"] if isinstance(value, dict) else value) > limit:
            raise Refusal("invalid_arguments", f"must be less than {limit + 1} characters [json-pointer:/view/{name}]")
    if kind == "modal" and "submit" not in view and any(block["type"] == "input" for block in view["blocks"]):
        raise Refusal("invalid_arguments", "submit is required where there are inputs")
    return view


def _check_hash(shown: OpenView, arguments: JSON) -> None:
    if arguments.get("hash") not in (None, shown.hash):
        raise Refusal("hash_conflict")


def _filled(element: JSON, given: Any) -> JSON:
    kind = element["type"]
    if kind.startswith("multi_") or kind == "checkboxes":
        if given is None:
            return {"type": kind, "selected_options": element.get("initial_options", [])}
        return {"type": kind, "selected_options": [option for option in element["options"] if option["value"] in given]}
    if kind in ("static_select", "radio_buttons"):
        chosen = [option for option in element["options"] if option["value"] == given]
        return {"type": kind, "selected_option": chosen[0] if chosen else element.get("initial_option")}
    names = {"users_select": "selected_user", "conversations_select": "selected_conversation"}
    name = names.get(kind, "value")
    initial = {"selected_user": "initial_user", "selected_conversation": "initial_conversation"}
    return {"type": kind, name: element.get(initial.get(name, "initial_value")) if given is None else given}


METHODS = {
    "views.open": Method(open_view, TIER_4),
    "views.update": Method(update_view, TIER_4),
    "views.publish": Method(publish_view, TIER_4),
}
