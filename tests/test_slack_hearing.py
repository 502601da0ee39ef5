"""What Slack's events say, without Slack."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.slack.hearing import Deleted, Edited, Me, Said, heard, order, speaker, words

ME = Me("T1", "Acme", "UBOT", "B1")
QUESTION = {"type": "message", "channel": "C1", "channel_type": "channel", "ts": "5.0", "user": "U1"}


def said(text: str, **fields: Any) -> Said:
    found = heard({**QUESTION, "text": text, **fields}, ME)
    assert isinstance(found, Said)
    return found


def changed(now: dict[str, Any], **before: Any) -> Any:
    """A `message_changed`; both messages have what the other has where they do not say otherwise."""
    common = {"type": "message", "user": "U1", "ts": "5.0", "text": "Oslo?"}
    messages = {"message": {**common, **now}, "previous_message": {**common, **before}}
    return heard({"type": "message", "subtype": "message_changed", "channel": "C1", "ts": "9.0", **messages}, ME)


def test_a_mention_calls_for_parley_and_begins_a_thread() -> None:
    found = said("<@UBOT> Oslo?")
    assert (found.addressed, found.thread, found.is_reply, found.direct) == (True, "5.0", False, False)


@pytest.mark.parametrize("text", ["Oslo, <@UBOT>?", "<@UBOT|parley> Oslo?", "see <@U2> and <@UBOT>"])
def test_a_mention_counts_wherever_it_stands(text: str) -> None:
    assert said(text).addressed


@pytest.mark.parametrize("text", ["Oslo?", "<@UBOTH> Oslo?", "UBOT Oslo?", "&lt;@UBOT&gt; Oslo?"])
def test_what_people_say_in_a_channel_is_not_for_parley(text: str) -> None:
    assert heard({**QUESTION, "text": text}, ME) is None


def test_a_reply_without_a_mention_is_for_the_threads_to_judge() -> None:
    found = said("And Tromsø?", thread_ts="4.0")
    assert (found.addressed, found.thread, found.is_reply) == (False, "4.0", True)


@pytest.mark.parametrize("place", [{"channel": "D1"}, {"channel": "D1", "channel_type": "im"}])
def test_a_direct_message_needs_no_mention(place: dict[str, str]) -> None:
    assert said("Oslo?", **place).addressed


def test_people_in_a_group_talk_to_each_other() -> None:
    assert heard({**QUESTION, "text": "Oslo?", "channel": "G1", "channel_type": "mpim"}, ME) is None


@pytest.mark.parametrize("subtype", ["file_share", "thread_broadcast", "me_message"])
def test_these_subtypes_are_what_people_say(subtype: str) -> None:
    assert said("<@UBOT> Oslo?", subtype=subtype).addressed


@pytest.mark.parametrize(
    "fields",
    [
        {"user": "UBOT"},
        {"user": "USLACKBOT"},
        {"user": None},
        {"bot_id": "B1"},
        {"bot_id": "B2"},
        {"subtype": "bot_message", "bot_id": "B3", "user": None},
        {"subtype": "channel_join"},
        {"subtype": "channel_topic"},
        {"subtype": "reminder_add"},
        {"subtype": "ekm_access_denied"},
        {"hidden": True},
    ],
)
def test_it_does_not_listen_to_itself_to_bots_or_to_notices(fields: dict[str, Any]) -> None:
    for kind in ("message", "app_mention"):
        assert heard({**QUESTION, "type": kind, "text": "<@UBOT> Oslo?", **fields}, ME) is None


def test_a_mention_may_have_left_its_files_out() -> None:
    assert not said("<@UBOT>", type="app_mention").files_known
    assert said("<@UBOT>", type="app_mention", files=[{"id": "F1"}]).files_known
    assert said("<@UBOT>", subtype="file_share", files=[{"id": "F1"}]).files == [{"id": "F1"}]


def test_a_new_text_is_an_edit() -> None:
    assert changed({"text": "Tromsø?"}) == Edited("C1", "5.0", "5.0", "Tromsø?", "9.0")
    assert changed({"text": "Tromsø?", "thread_ts": "4.0"}) == Edited("C1", "5.0", "4.0", "Tromsø?", "9.0")


@pytest.mark.parametrize(
    "now",
    [
        {"attachments": [{"from_url": "https://example.org", "title": "A page"}]},
        {"reply_count": 1, "latest_reply": "6.0", "thread_ts": "5.0"},
        {"subtype": "bot_message", "text": "Tromsø?"},
        {"bot_id": "B1", "text": "Tromsø?"},
        {"ts": "", "text": "Tromsø?"},
    ],
)
def test_other_changes_of_a_message_are_none_of_its_author(now: dict[str, Any]) -> None:
    assert changed(now) is None


def test_a_deleted_root_leaves_a_tombstone() -> None:
    assert changed({"subtype": "tombstone", "text": "This message was deleted."}) == Deleted("C1", "5.0", "5.0")


def test_a_deletion_tells_the_thread_of_what_was_deleted() -> None:
    event = {"type": "message", "subtype": "message_deleted", "channel": "C1", "ts": "9.0", "deleted_ts": "5.0"}
    assert heard(event, ME) == Deleted("C1", "5.0", "5.0")
    assert heard({**event, "previous_message": {"thread_ts": "4.0"}}, ME) == Deleted("C1", "5.0", "4.0")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("<@UBOT> !tools list", "tools list"),
        ("<@UBOT|parley>:  !stop ", "stop"),
        ("<@UBOT>, !new", "new"),
        ("<@UBOT> tools list", None),
        ("<@UBOT> What does ! mean?", None),
        ("<@UBOT> !!!", None),
        ("<@UBOT> !", None),
        ("<@UBOT>", None),
    ],
)
def test_a_command_begins_with_an_exclamation_mark(text: str, command: str | None) -> None:
    assert order(said(text), ME) == command


def test_an_exclamation_mark_that_nobody_called_parley_for_is_no_command() -> None:
    assert order(said("!stop", thread_ts="4.0"), ME) is None


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ({"text": " Oslo? "}, "Oslo?"),
        ({"text": "Down", "attachments": [{"fallback": "The site is down"}]}, "Down"),
        (
            {"text": "", "attachments": [{"fallback": "The site is down"}, {"text": "since 9"}]},
            "The site is down\nsince 9",
        ),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "The site is down"}}]}, "The site is down"),
        ({"blocks": [{"type": "actions", "elements": [{"text": {"text": "Acknowledge"}}]}]}, ""),
        ({"text": None, "attachments": None, "blocks": None}, ""),
    ],
)
def test_apps_say_things_in_other_places_than_people(message: dict[str, Any], says: str) -> None:
    assert words(message) == says


def test_an_app_has_a_name_of_its_own() -> None:
    assert speaker({"bot_profile": {"name": "CI"}}) == "CI"
    assert speaker({"username": "Deploy\nbot", "bot_profile": {"name": "CI"}}) == "Deploy bot"
    assert speaker({"user": "U1"}) == ""
