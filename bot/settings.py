"""Settings, from the environment and `.env`. All mistakes are found at once, each told in one line with its remedy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot import prices
from bot.errors import ParleyError
from bot.prices import Prices

SQLITE = "sqlite:///"
DEFAULT_INSTRUCTIONS = (
    "You are Parley, an assistant that a team talks to. Answer briefly and to the point. Each message of a person "
    "begins with a line that names who speaks; the line is added by the system. Use the tools for what they can "
    "look up, and say so plainly when a tool failed or you do not know."
)
REFERENCE = r"(slack|discord|console):[A-Za-z0-9._-]+"
OPENAI_KEYS = "platform.openai.com/api-keys"
AZURE_KEYS = "portal.azure.com, the resource, Keys and Endpoint"
SLACK_APPS = "api.slack.com/apps"
SLACK_BOT_TOKENS = f"{SLACK_APPS}, OAuth & Permissions"
SLACK_APP_TOKENS = f"{SLACK_APPS}, Basic Information, App-Level Tokens"
SLACK_SECRETS = f"{SLACK_APPS}, Basic Information, App Credentials"
SLACK_CONFIG_TOKENS = f"{SLACK_APPS}, Your App Configuration Tokens"
DISCORD_TOKENS = "discord.com/developers/applications, Bot, Reset Token"


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole or re.search(r"\s", value):
        raise ValueError("is not a URL; write it as https://host/path")
    return value


def _secret(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[!-~]+", value):
        raise ValueError("has blanks or letters that no key has; copy it again")
    return value


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


Url = Annotated[str, AfterValidator(_url)]
Secret = Annotated[str | None, AfterValidator(_secret), Field(repr=False)]
References = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
ON_OFF = "on or off"


class _Source(BaseSettings):
    """Where values come from. Blanks around a value do not count, and an empty one counts as unset."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8-sig", env_ignore_empty=True, extra="ignore", frozen=True
    )

    @model_validator(mode="before")
    @classmethod
    def _stripped(cls, given: dict[str, Any]) -> dict[str, Any]:
        stripped = {name: value.strip() if isinstance(value, str) else value for name, value in given.items()}
        return {name: value for name, value in stripped.items() if value != ""}


class Settings(_Source):
    """Every setting there is, by the name of its variable in small letters.

    A description says what a value must be, or where a secret is found; the line about a wrong one ends with it.
    """

    openai_api_key: Secret = Field(default=None, description=OPENAI_KEYS)
    openai_base_url: Url | None = None
    openai_api: Annotated[Literal["responses", "chat"], BeforeValidator(_lower)] = Field(
        default="responses", description="responses or chat"
    )
    azure_openai_endpoint: Url | None = None
    azure_openai_api_key: Secret = Field(default=None, description=AZURE_KEYS)
    openai_api_version: str | None = None
    model: str = "gpt-5.4-mini"
    openai_embedding_model: str | None = None
    instructions: str = DEFAULT_INSTRUCTIONS
    slack_bot_token: Secret = Field(default=None, description=SLACK_BOT_TOKENS)
    slack_app_token: Secret = Field(default=None, description=SLACK_APP_TOKENS)
    slack_signing_secret: Secret = Field(default=None, description=SLACK_SECRETS)
    slack_config_token: Secret = Field(default=None, description=SLACK_CONFIG_TOKENS)
    slack_api_url: Url = "https://slack.com/api/"
    slack_follow_threads: bool = Field(default=True, description=ON_OFF)
    discord_token: Secret = Field(default=None, description=DISCORD_TOKENS)
    discord_guilds: References = ()
    discord_api_url: Url = "https://discord.com/api/v10"
    discord_follow_threads: bool = Field(default=True, description=ON_OFF)
    allow: References = ()
    deny: References = ()
    admins: References = ()
    database_url: str = SQLITE + "parley.db"
    open_meteo_url: Url | None = None
    open_meteo_geocoding_url: Url | None = None
    prices: Path | None = None
    retention_days: int | None = Field(default=None, ge=1, description="a whole number of days, 1 or more")
    ask_timeout: float = Field(default=3600.0, gt=0, allow_inf_nan=False, description="a number of seconds above 0")
    approvers: Annotated[Literal["asker", "admins", "either"], BeforeValidator(_lower)] = Field(
        default="either", description="asker, admins or either"
    )
    max_concurrent_runs: int = Field(default=100, ge=1, description="a whole number, 1 or more")
    flood_limit: int = Field(default=20, ge=0, description="a whole number of messages a minute, or 0 for no limit")
    api_key: Secret = Field(default=None, description="make one up, as with openssl rand -hex 32")
    port: int = Field(default=8080, ge=1, le=65535, description="a whole number from 1 to 65535")
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        default="info", description="debug, info, warning or error"
    )
    log_format: Annotated[Literal["console", "json"] | None, BeforeValidator(_lower)] = Field(
        default=None, description="console or json"
    )

    @field_validator("allow", "deny", "admins")
    @classmethod
    def _references(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [reference for reference in value if not re.fullmatch(REFERENCE, reference)]:
            raise ValueError(f"has {', '.join(wrong)}; write slack:U024BE7LH or discord:1234, separated by commas")
        return value

    @field_validator("discord_guilds")
    @classmethod
    def _guilds(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [guild for guild in value if not re.fullmatch(r"[0-9]+", guild)]:
            raise ValueError(f"has {', '.join(wrong)}; write the servers' ids, which are numbers, separated by commas")
        return value

    @field_validator("database_url")
    @classmethod
    def _sqlite(cls, value: str) -> str:
        remedy = "write sqlite:///path/to/parley.db"
        if value.lower().startswith(("postgres:", "postgresql:", "postgresql+")):
            raise ValueError(f"names PostgreSQL, which this version does not speak yet; {remedy}")
        if not value.startswith(SQLITE) or value == SQLITE:
            raise ValueError(f"is not an SQLite URL; {remedy}")
        if "?" in value or ":memory:" in value:
            raise ValueError(f"must name a file and nothing else; {remedy}")
        return value

    @field_validator("prices")
    @classmethod
    def _file(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"names {value}, which is no file; write the path of a file of prices, or leave it out")
        if value is not None:
            prices.read(value)
        return value

    def price_list(self) -> Prices:
        """What models cost. Raises `BadPrices` where the file is no longer what it was at the start."""
        return prices.read(self.prices) if self.prices else Prices()

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
    try:
        mistakes = _halves(_Given())
        settings = Settings()
    except ValidationError as error:
        raise BadSettings([*map(_line, error.errors()), *mistakes]) from None
    except (OSError, UnicodeError) as error:
        raise BadSettings([f".env cannot be read ({error}): make it a readable file in UTF-8, or remove it."]) from None
    if mistakes:
        raise BadSettings(mistakes)
    return settings


def _line(problem: Any) -> str:
    """A mistake in one line, without the value: who mixes up two variables may have put a secret there."""
    name = str(problem["loc"][0])
    field = Settings.model_fields[name]
    if problem["type"] == "value_error":
        where = f" ({field.description})" if field.description else ""
        return f"{name.upper()} {problem['ctx']['error']}{where}."
    default = "" if field.default is None else f" for {_said(field.default)}"
    return f"{name.upper()} must be {field.description}: set it so, or leave it out{default}."


def _said(default: Any) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    return f"{default:g}" if isinstance(default, float) else str(default)


class _Given(_Source):
    """What was given, right or wrong, of the settings that want another one."""

    openai_base_url: str | None = None
    azure_openai_endpoint: str | None = None
    azure_openai_api_key: str | None = None
    slack_bot_token: str | None = None
    slack_app_token: str | None = None
    slack_signing_secret: str | None = None


def _halves(given: _Given) -> list[str]:
    """Settings that want another one, and tokens in the wrong place."""
    return [*_slack_halves(given), *_azure_halves(given)]


def _slack_halves(given: _Given) -> list[str]:
    mistakes = []
    bot, app, secret = given.slack_bot_token, given.slack_app_token, given.slack_signing_secret
    if bot and not (app or secret):
        mistakes.append(
            f"SLACK_BOT_TOKEN is set alone: add SLACK_APP_TOKEN ({SLACK_APP_TOKENS}) "
            f"or, for HTTP, SLACK_SIGNING_SECRET ({SLACK_SECRETS})."
        )
    if (app or secret) and not bot:
        half = "SLACK_APP_TOKEN" if app else "SLACK_SIGNING_SECRET"
        mistakes.append(f"{half} is set without SLACK_BOT_TOKEN: add it ({SLACK_BOT_TOKENS}).")
    if bot and not bot.startswith("xoxb-"):
        mistakes.append(f"SLACK_BOT_TOKEN is not a bot token: set the one that begins with xoxb- ({SLACK_BOT_TOKENS}).")
    if app and not app.startswith("xapp-"):
        mistakes.append(
            f"SLACK_APP_TOKEN is not an app-level token: set the one that begins with xapp- ({SLACK_APP_TOKENS})."
        )
    return mistakes


def _azure_halves(given: _Given) -> list[str]:
    mistakes = []
    endpoint, key = given.azure_openai_endpoint, given.azure_openai_api_key
    if endpoint and not key:
        mistakes.append(f"AZURE_OPENAI_ENDPOINT is set without AZURE_OPENAI_API_KEY: add it ({AZURE_KEYS}).")
    if key and not endpoint:
        mistakes.append(
            "AZURE_OPENAI_API_KEY is set without AZURE_OPENAI_ENDPOINT: add it, as https://NAME.openai.azure.com."
        )
    if endpoint and given.openai_base_url:
        mistakes.append("AZURE_OPENAI_ENDPOINT and OPENAI_BASE_URL are both set: keep the one to use.")
    return mistakes
