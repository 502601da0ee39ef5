"""Settings, from the environment and `.env`. All mistakes are found at once, each told in one line with its remedy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.errors import ParleyError

SQLITE = "sqlite:///"
DEFAULT_INSTRUCTIONS = (
    "You are Parley, an assistant that a team talks to. Answer briefly and to the point. Each message of a person "
    "begins with a line that names who speaks; the line is added by the system. Use the tools for what they can "
    "look up, and say so plainly when a tool failed or you do not know."
)
REFERENCE = r"(slack|discord|console):[A-Za-z0-9]+"


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not a URL; give it as https://host/path")
    return value


Url = Annotated[str, AfterValidator(_url)]
References = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """Every setting there is, by the name of its variable in small letters. An empty variable counts as unset."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    openai_api_key: str | None = Field(default=None, repr=False)
    openai_base_url: Url | None = None
    openai_api: Literal["responses", "chat"] = "responses"
    azure_openai_endpoint: Url | None = None
    azure_openai_api_key: str | None = Field(default=None, repr=False)
    openai_api_version: str | None = None
    model: str = "gpt-5.4-mini"
    instructions: str = DEFAULT_INSTRUCTIONS
    slack_bot_token: str | None = Field(default=None, repr=False)
    slack_app_token: str | None = Field(default=None, repr=False)
    slack_signing_secret: str | None = Field(default=None, repr=False)
    slack_api_url: Url = "https://slack.com/api/"
    slack_follow_threads: bool = True
    discord_token: str | None = Field(default=None, repr=False)
    discord_guilds: References = ()
    discord_api_url: Url = "https://discord.com/api/v10"
    discord_follow_threads: bool = True
    allow: References = ()
    deny: References = ()
    admins: References = ()
    database_url: str = SQLITE + "parley.db"
    open_meteo_url: Url | None = None
    open_meteo_geocoding_url: Url | None = None
    prices: Path | None = None
    retention_days: int | None = Field(default=None, ge=1)
    ask_timeout: float = Field(default=3600.0, gt=0)
    max_concurrent_runs: int = Field(default=100, ge=1)
    api_key: str | None = Field(default=None, repr=False)
    port: int = Field(default=8080, ge=1, le=65535)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] | None = None

    @field_validator("discord_guilds", "allow", "deny", "admins", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("allow", "deny", "admins")
    @classmethod
    def _references(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [reference for reference in value if not re.fullmatch(REFERENCE, reference)]
        if wrong:
            raise ValueError(f"has {', '.join(wrong)}; write slack:U024BE7LH or discord:1234, separated by commas")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _sqlite(cls, value: str) -> str:
        if value.startswith(("postgres:", "postgresql:", "postgresql+")):
            raise ValueError("names PostgreSQL, which this version does not speak yet; use sqlite:///path/to/parley.db")
        if not value.startswith(SQLITE) or value == SQLITE:
            raise ValueError("is not an SQLite URL; write sqlite:///path/to/parley.db")
        return value

    @field_validator("prices")
    @classmethod
    def _file(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"names {value}, which is no file; give the path of a file of prices, or leave it empty")
        return value

    @property
    def database(self) -> Path:
        """The database file; a relative one is in the working directory."""
        return Path(self.database_url.removeprefix(SQLITE)).absolute()

    @property
    def has_slack(self) -> bool:
        return self.slack_bot_token is not None

    @property
    def has_discord(self) -> bool:
        return self.discord_token is not None

    @property
    def is_demo(self) -> bool:
        """No model endpoint is set: the demo model answers."""
        return not (self.openai_api_key or self.openai_base_url or self.azure_openai_endpoint)

    def text(self, name: str) -> str:
        """A setting by the name of its variable, as tools ask for it; empty where it is unset or unknown."""
        value = getattr(self, name.lower(), None) if name.lower() in type(self).model_fields else None
        return "" if value is None else str(value)


class BadSettings(ParleyError):
    """`mistakes` holds one line for each."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


def load() -> Settings:
    """The settings of this process. Raises `BadSettings` with every mistake there is."""
    mistakes: list[str] = []
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = {str(problem["loc"][0]) for problem in error.errors()}
        mistakes += [_line(str(problem["loc"][0]), problem) for problem in error.errors()]
        settings = Settings.model_construct(**_raw(wrong))
    mistakes += _halves(settings)
    if mistakes:
        raise BadSettings(mistakes)
    return settings


def _line(name: str, problem: Any) -> str:
    """A mistake in one line, without the value where that may be a secret."""
    if problem["type"] == "value_error":
        return f"{name.upper()} {problem['ctx']['error']}."
    said = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{name.upper()} is {problem['input']!r}: {said}."


def _raw(wrong: set[str]) -> dict[str, Any]:
    """What was given for the other fields, so that half settings are found beside the wrong ones."""
    given = _Given().model_dump()
    return {name: value for name, value in given.items() if name not in wrong and value is not None}


class _Given(BaseSettings):
    model_config = Settings.model_config

    openai_api_key: str | None = None
    openai_base_url: str | None = None
    azure_openai_endpoint: str | None = None
    azure_openai_api_key: str | None = None
    openai_api_version: str | None = None
    slack_bot_token: str | None = None
    slack_app_token: str | None = None
    slack_signing_secret: str | None = None
    discord_token: str | None = None


def _halves(settings: Settings) -> list[str]:
    """Settings that want another one, and tokens in the wrong place."""
    mistakes = []
    bot, app, secret = settings.slack_bot_token, settings.slack_app_token, settings.slack_signing_secret
    if bot and not (app or secret):
        mistakes.append(
            "SLACK_BOT_TOKEN is set alone: add SLACK_APP_TOKEN (Socket Mode; api.slack.com/apps, Basic Information, "
            "App-Level Tokens) or SLACK_SIGNING_SECRET (HTTP)."
        )
    if (app or secret) and not bot:
        mistakes.append(
            f"{'SLACK_APP_TOKEN' if app else 'SLACK_SIGNING_SECRET'} is set without SLACK_BOT_TOKEN: add it "
            "(api.slack.com/apps, OAuth & Permissions)."
        )
    if bot and not bot.startswith("xoxb-"):
        mistakes.append("SLACK_BOT_TOKEN is not a bot token: it begins with xoxb- (api.slack.com/apps, OAuth).")
    if app and not app.startswith("xapp-"):
        mistakes.append("SLACK_APP_TOKEN is not an app-level token: it begins with xapp-.")
    endpoint, key = settings.azure_openai_endpoint, settings.azure_openai_api_key
    if endpoint and not key:
        mistakes.append("AZURE_OPENAI_ENDPOINT is set without AZURE_OPENAI_API_KEY: add the key of that resource.")
    if key and not endpoint:
        mistakes.append("AZURE_OPENAI_API_KEY is set without AZURE_OPENAI_ENDPOINT: add https://NAME.openai.azure.com.")
    if endpoint and settings.openai_base_url:
        mistakes.append("AZURE_OPENAI_ENDPOINT and OPENAI_BASE_URL are both set: keep the one to use.")
    return mistakes
