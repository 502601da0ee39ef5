"""What people may do at the Home tab: press its buttons, choose in its menus, and send the form for the assistant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from adapters.slack.dashboard import CHANGE, FIELDS, PREFIX
from tests.fuzz.breaking import Break, breaks, broken
from tests.fuzz.values import texts
from tests.simulators.slack import OpenView
from tests.simulators.slack.values import JSON

OWN = "poet"
"""The assistant that may be changed."""
TOOL = "display_quiz"
NAMES = ("", TOOL, f"{TOOL}:{TOOL}", "zq", "all", "*", "forecast workspace")
VALUES = ("", "enable", "disable", "on", "off", OWN, "parley", "zq", "poet workspace", "enable zq")
TEMPERATURES = ("", "0", "0.70", "2", "2.1", "-1", "nan", "inf", "1e999", "٣", "hot", "1 1", "0x1", "1_0")
MODELS = ("gpt-other", "two words", "gpt-\nother", "", "a" * 200, "a" * 3_000, "<@U9>", "`x`")


@dataclass(frozen=True, slots=True)
class AtHome:
    """Something on the tab is pressed or chosen, by an admin or by somebody else; broken in places."""

    what: Literal["change", "assistant", "tool", "approval", "zq"]
    name: str
    value: str
    admin: bool
    wrong: tuple[Break, ...] = ()

    def payload(self, interaction: JSON, view: JSON) -> Any:
        action: JSON = {"action_id": f"{PREFIX}{self.what}" + (f":{self.name}" if self.name else ""), "block_id": "b"}
        if self.what == "assistant":
            option = {"text": {"type": "plain_text", "text": "One"}, "value": self.value}
            action |= {"type": "static_select", "selected_option": option}
        else:
            action |= {"type": "button", "value": self.value}
        pressed = {"type": "block_actions", "container": {"type": "view", "view_id": view["id"]}, "view": view}
        return broken(interaction | pressed | {"actions": [action]}, self.wrong)

    @property
    def opens(self) -> bool:
        return f"{PREFIX}{self.what}" == CHANGE and not self.name


@dataclass(frozen=True, slots=True)
class Changes:
    """The form for the assistant, as it was opened for an admin, is sent with these texts by that admin or by somebody
    else; broken in places, and so is what it remembers (`forgets`).
    """

    fields: tuple[tuple[str, str], ...]
    admin: bool
    wrong: tuple[Break, ...] = ()
    forgets: tuple[Break, ...] = ()

    def payload(self, interaction: JSON, form: OpenView) -> Any:
        shown = {block.get("block_id") for block in form.view["blocks"]}
        filled = {f"{field}/{field}": text for field, text in self.fields if field in shown}
        kept = json.dumps(broken(json.loads(form.view["private_metadata"]), self.forgets))
        view = form.submitted(filled) | {"private_metadata": kept}
        return broken(interaction | {"type": "view_submission", "view": view}, self.wrong)


def at_home() -> SearchStrategy[AtHome]:
    wrong = breaks().map(tuple)
    what = st.sampled_from(["change", "assistant", "tool", "tool", "approval", "approval", "zq"])
    usual = st.builds(AtHome, what, st.just(TOOL), st.sampled_from(VALUES), st.just(True))
    name, value = st.sampled_from(NAMES) | texts(), st.sampled_from(VALUES) | texts()
    opening = st.builds(AtHome, st.just("change"), st.just(""), st.just(OWN), st.booleans(), wrong)
    odd = st.builds(AtHome, what, name, value, st.booleans(), wrong)
    return st.integers(0, 3).flatmap(lambda number: [usual, opening, odd, odd][number])


def changes() -> SearchStrategy[Changes]:
    usual: Mapping[str, SearchStrategy[str]] = {
        "temperature": st.sampled_from(TEMPERATURES),
        "model": st.sampled_from(MODELS),
        "instructions": texts(),
    }
    fields = st.fixed_dictionaries({}, optional={name: usual[name] | texts() for name in FIELDS})
    admin, wrong = st.sampled_from([True, True, False]), breaks().map(tuple)
    return st.builds(Changes, fields.map(lambda given: tuple(given.items())), admin, wrong, wrong)
