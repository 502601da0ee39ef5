"""Who may call what: the tokens of the app, the scopes that the bot was granted, and whether they still hold.

https://docs.slack.dev/authentication/tokens, https://docs.slack.dev/reference/scopes
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from tests.simulators.slack.values import Refusal

Kind = Literal["bot", "app", "config", "any"]
SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:read",
    "chat:write",
    "chat:write.customize",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "mpim:read",
    "team:read",
    "users:read",
)


class Tokens:
    """`bot`, `app`, `config` and `signing_secret` as the app is given them."""

    def __init__(self) -> None:
        self.bot = "xoxb-1-parley"
        self.app = "xapp-1-A1-parley"
        self.config = "xoxe.xoxp-1-parley"
        self.signing_secret = "8f742231b10e8888abcd99yyyzzz85a5"
        self.scopes: tuple[str, ...] = SCOPES
        self.revoked = ""

    def revoke(self, error: str = "token_revoked") -> None:
        """From now on every call is answered with this error: token_revoked, or account_inactive."""
        self.revoked = error

    def grants(self, scopes: Iterable[str]) -> None:
        """The scopes that the bot token has, and no others."""
        self.scopes = tuple(scopes)

    def admit(self, token: str, kind: Kind) -> None:
        """Raises `Refusal` unless this token is a sound one of this kind."""
        found = {self.bot: "bot", self.app: "app", self.config: "config"}.get(token)
        if not token:
            raise Refusal("not_authed")
        if found is None:
            raise Refusal("invalid_auth")
        if self.revoked:
            raise Refusal(self.revoked)
        if kind not in (found, "any"):
            raise Refusal("not_allowed_token_type")

    def require(self, *scopes: str) -> None:
        """Raises `Refusal` (missing_scope) unless the bot has one of these scopes."""
        if scopes and not set(scopes) & set(self.scopes):
            raise Refusal("missing_scope", needed=",".join(scopes), provided=",".join(self.scopes))
