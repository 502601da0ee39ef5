"""How many calls Slack takes of each method, and under which keys `Pace` counts them.

The tiers are those of https://docs.slack.dev/apis/web-api/rate-limits, for one app in one workspace; which method is in
which stands on its own page, https://docs.slack.dev/reference/methods/<method>. Slack grants more for a moment; here a
tier's figure is the most.
"""

from __future__ import annotations

from adapters.pace import Limit, Rank

TIER_1, TIER_2, TIER_3, TIER_4 = Limit(1, 60.0), Limit(20, 60.0), Limit(50, 60.0), Limit(100, 60.0)

METHODS = {
    "agents.sessions.rename": TIER_3,
    "agents.sessions.setStatus": TIER_3,
    "apps.connections.open": TIER_1,
    "assistant.threads.setStatus": Limit(600, 60.0),  # special: 600 a minute for each workspace
    "assistant.threads.setSuggestedPrompts": TIER_3,
    "assistant.threads.setTitle": TIER_3,
    "auth.test": Limit(300, 60.0),  # special: hundreds a minute
    "bots.info": TIER_3,
    "chat.appendStream": TIER_4,
    "chat.delete": TIER_3,
    "chat.getPermalink": Limit(300, 60.0),  # special: hundreds a minute
    "chat.postEphemeral": TIER_4,
    "chat.postMessage": Limit(300, 60.0),  # special: several hundred a minute for each workspace, and see below
    "chat.startStream": TIER_2,
    "chat.stopStream": TIER_2,
    "chat.update": TIER_3,
    "conversations.history": TIER_3,
    "conversations.info": TIER_3,
    "conversations.members": TIER_4,
    "conversations.open": TIER_3,
    "conversations.replies": TIER_3,
    "files.completeUploadExternal": TIER_4,
    "files.getUploadURLExternal": TIER_4,
    "files.info": TIER_4,
    "reactions.add": TIER_3,
    "reactions.remove": TIER_2,
    "team.info": TIER_3,
    "users.conversations": TIER_2,
    "users.info": TIER_4,
    "views.open": TIER_4,
    "views.publish": TIER_4,
    "views.update": TIER_4,
}
OTHERS = TIER_2
"""For a method that is not named above."""

READS = frozenset({
    "bots.info",
    "chat.getPermalink",
    "conversations.history",
    "conversations.info",
    "conversations.members",
    "conversations.replies",
    "files.info",
    "team.info",
    "users.conversations",
    "users.info",
})  # fmt: skip
"""Methods that take their arguments as a query: their pages name no JSON among the content types."""

FORMS = frozenset({"files.getUploadURLExternal"})
"""Methods that take their arguments as the official clients send them, and not as JSON."""

POST = "chat.postMessage"

EACH = {
    POST: Limit(1, 1.0),  # a channel: one message a second, https://docs.slack.dev/apis/web-api/rate-limits
    "chat.appendStream": Limit(1, 0.7),  # a message: our own measure, as fast as it is pleasant to read
    "chat.update": Limit(1, 1.5),  # a message: our own measure
}
"""What one channel, or one message, takes."""

STEADY = {"chat.appendStream": Limit(9, 6.0), "chat.update": Limit(4, 6.0)}
"""What states on the way may take of a method: a tenth of a minute's share in a tenth of a minute, so that they never
come in a burst that leaves a minute of silence behind it, and a rest of the share, which stays for final states."""


def limit(key: str) -> Limit | None:
    """For `Pace`; the keys are those that `keys_of` makes."""
    method, _, what = key.partition(" ")
    if not what:
        return METHODS.get(method, OTHERS)
    return STEADY[method] if what == "steady" else EACH[method]


def unlimited(key: str) -> None:
    """For `Pace`, against a Slack that counts nothing, as in benchmarks. Pauses that it asks for are kept."""


def keys_of(method: str, rank: Rank, where: str = "") -> tuple[str, ...]:
    """What a call is counted under. `where` is a channel's id, or for the methods in `EACH` that write into a message
    its `ts`; for other methods it does not matter."""
    found = [method]
    if rank >= Rank.STATE and method in STEADY:
        found.append(f"{method} steady")
    if where and method in EACH:
        found.append(f"{method} {where}")
    return tuple(found)
