"""Slack on loopback: a workspace with people and channels, for the real slack-bolt and slack_sdk clients."""

from tests.simulators.slack.interactions import Answer, Response
from tests.simulators.slack.people import Person
from tests.simulators.slack.posts import Channel, File, Post
from tests.simulators.slack.server import slack
from tests.simulators.slack.values import JSON, Call, Ephemeral, Refusal, Session, Status
from tests.simulators.slack.views import OpenView
from tests.simulators.slack.workspace import Workspace

__all__ = [
    "JSON",
    "Answer",
    "Call",
    "Channel",
    "Ephemeral",
    "File",
    "OpenView",
    "Person",
    "Post",
    "Refusal",
    "Response",
    "Session",
    "Status",
    "Workspace",
    "slack",
]
