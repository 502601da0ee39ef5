"""Slack: mentions, threads, direct messages and slash commands, with answers that stream."""

from adapters.slack.adapter import SlackAdapter, SlackSettings

__all__ = ["SlackAdapter", "SlackSettings"]
