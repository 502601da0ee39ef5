"""What Slack says when a call fails, as one error: a sentence for the operator that says what to do, Slack's own code
for those who know better, and whether the call may have had an effect all the same.

The codes are those of https://docs.slack.dev/reference/methods/chat.postMessage and of its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import aiohttp

from adapters.effort import CallError

LIMITED = frozenset({"ratelimited", "rate_limited"})
PAUSE = 5.0
"""Seconds to wait after a 429 without a `Retry-After`."""

UNSENT, CUT_OFF, DAMAGED, STRANGER = "not_connected", "connection_lost", "damaged_answer", "not_slack"
"""Codes of ours, for what Slack itself has no word for."""

TRANSIENT = re.compile(r"(^|_)(internal|fatal|temporar\w*|time_?out|timed_out|unavailable|try_again|retry)(_|$)")
"""Of `fatal_error` and `internal_error` Slack says that some of the operation may have succeeded; so of the like."""
NOT_NOW = frozenset({"request_timeout", "team_added_to_org", "message_limit_exceeded"}) | LIMITED
"""Refused for the moment, without any effect."""

_REFUSED_APP = "Slack refuses the bot token ({error}): install the app again and set SLACK_BOT_TOKEN."
_NOT_ALLOWED = "Slack does not let Parley call {method} in {place} ({error}): ask an admin of the workspace."
_TOO_LONG = "Slack finds a message for {place} too long ({error})."
_NOT_THERE = "Slack does not find the message or thread in {place} ({error}): it may have been deleted."
_NOT_OFFERED = "Slack does not offer {method} to this workspace, plan or app ({error})."
_TROUBLE = "Slack is in trouble ({error} for {method}): https://slack-status.com tells more."

_SENTENCES = {
    **dict.fromkeys(("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"), _REFUSED_APP),
    "missing_scope": "Slack wants the scope {needed} for {method}: add it to the app and install the app again.",
    "not_allowed_token_type": "Slack takes no token of this kind for {method}: SLACK_BOT_TOKEN must begin with xoxb-.",
    "not_in_channel": "Parley is not in {place}: invite it there.",
    "channel_not_found": "Slack knows no such channel as {place}, or Parley is not in it: invite it there.",
    "is_archived": "Nothing can be written in {place}: it is archived.",
    "user_not_found": "Slack does not know the person whom {method} is about.",
    **dict.fromkeys(("thread_not_found", "message_not_found"), _NOT_THERE),
    **dict.fromkeys(("msg_too_long", "msg_blocks_too_long", "markdown_text_too_long"), _TOO_LONG),
    **dict.fromkeys(("access_denied", "no_permission", "accesslimited", "ekm_access_denied"), _NOT_ALLOWED),
    **dict.fromkeys(("team_access_not_granted", "enterprise_is_restricted", "not_allowed"), _NOT_ALLOWED),
    **dict.fromkeys(("unknown_method", "method_deprecated", "feature_not_enabled"), _NOT_OFFERED),
    **dict.fromkeys(("fatal_error", "internal_error", "service_unavailable"), _TROUBLE),
    **dict.fromkeys(("request_timeout", "team_added_to_org"), _TROUBLE),
    **dict.fromkeys(LIMITED | {"message_limit_exceeded"}, "Slack wants fewer calls of {method}."),
    UNSENT: "Slack cannot be reached: check the network and SLACK_API_URL.",
    CUT_OFF: "The connection to Slack was lost before it answered {method}.",
    DAMAGED: "Slack's answer to {method} arrived damaged.",
    STRANGER: "What answered {method} is not Slack's Web API: check SLACK_API_URL.",
}


class SlackError(CallError):
    """A call that Slack refused or failed.

    `error` is Slack's code, such as `is_archived`; `http_502` and the like where an answer had none; or one of
    `not_connected`, `connection_lost`, `damaged_answer` and `not_slack`.
    """

    def __init__(
        self,
        sentence: str,
        *,
        method: str,
        error: str,
        retry_after: float | None = None,
        permanent: bool = False,
        lost: bool = False,
    ) -> None:
        super().__init__(sentence, retry_after=retry_after, permanent=permanent, lost=lost, limited=error in LIMITED)
        self.method = method
        self.error = error


def refused(method: str, channel: str, status: int, data: Any, headers: Mapping[str, str]) -> SlackError:
    """From an HTTP answer: `data` is its parsed body, whatever that is."""
    answer: Mapping[str, Any] = data if isinstance(data, dict) else {}
    code = answer.get("error")
    error = "ratelimited" if status == 429 else code if isinstance(code, str) and code else _coded(status)
    pause = _seconds(headers.get("Retry-After"))
    lost = error not in NOT_NOW and (status >= 500 or _transient(error) or error == STRANGER)
    return SlackError(
        _sentence(error, method, channel, answer),
        method=method,
        error=error,
        retry_after=(pause or PAUSE) if error in LIMITED else pause,
        permanent=status < 500 and error not in NOT_NOW and not _transient(error),
        lost=lost,
    )


def damaged(method: str) -> SlackError:
    return SlackError(_sentence(DAMAGED, method, "", {}), method=method, error=DAMAGED, lost=True)


def broken(method: str, trouble: Exception) -> SlackError:
    """From a connection that could not be made, or was lost, or stayed silent for too long."""
    sent = not isinstance(trouble, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    error = CUT_OFF if sent else UNSENT
    return SlackError(_sentence(error, method, "", {}), method=method, error=error, lost=sent)


def _coded(status: int) -> str:
    return STRANGER if status < 400 else f"http_{status}"


def _transient(error: str) -> bool:
    return error == "http_408" or TRANSIENT.search(error) is not None


def _seconds(retry_after: str | None) -> float | None:
    """https://docs.slack.dev/apis/web-api/rate-limits: whole seconds. Zero would be no pause at all."""
    return max(1.0, float(retry_after)) if retry_after and retry_after.strip().isdecimal() else None


def _sentence(error: str, method: str, channel: str, answer: Mapping[str, Any]) -> str:
    place = f"the channel {channel}" if channel else "the channel"
    sentence = _SENTENCES.get(error)
    if sentence:
        return sentence.format(error=error, method=method, place=place, needed=answer.get("needed") or "it names")
    if error.startswith("restricted_action"):
        return _NOT_ALLOWED.format(error=error, method=method, place=place)
    if error.startswith("http_5"):
        return _TROUBLE.format(error=f"HTTP {error[5:]}", method=method)
    if error.startswith("http_"):
        return f"What answered {method} with HTTP {error[5:]} is not Slack's Web API: check SLACK_API_URL."
    told = (answer.get("response_metadata") or {}).get("messages") or ()
    return f"Slack refuses {method}: {error}." + (f" It says: {str(told[0])[:200]}" if told else "")
