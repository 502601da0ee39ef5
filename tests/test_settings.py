"""Settings: what is read from where, and that every mistake is told at once, with its remedy and without secrets."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from bot.settings import DEFAULT_INSTRUCTIONS, BadSettings, Settings, load

EXAMPLE = Path(__file__).parent.parent / ".env.example"
REMEDIES = ("write ", "copy it again", "add ", "add it", "set it so", "set the one", "keep the one", "make it a ")
BOT, APP = "xoxb-1-secret", "xapp-1-secret"


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting is set, and the working directory has no `.env`."""
    for name in list(os.environ):
        if name.lower() in Settings.model_fields:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def mistakes(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[str]:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings) as caught:
        load()
    return caught.value.mistakes


def test_without_any_setting_the_defaults_hold(tmp_path: Path) -> None:
    found = load()
    assert (found.openai_api, found.port, found.log_level, found.log_format) == ("responses", 8080, "info", None)
    assert (found.database, found.instructions) == (tmp_path / "parley.db", DEFAULT_INSTRUCTIONS)
    assert (found.admins, found.allow, found.retention_days, found.max_concurrent_runs) == ((), (), None, 100)
    assert found.slack_follow_threads
    assert found.is_demo
    assert [found.has_slack, found.has_discord] == [False, False]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OPENAI_API_KEY", "sk-1 2"),
        ("OPENAI_API_KEY", "sk-…"),
        ("OPENAI_BASE_URL", "localhost:11434/v1"),
        ("OPENAI_BASE_URL", "http://[::1"),
        ("OPENAI_BASE_URL", "http://localhost:port/v1"),
        ("OPENAI_BASE_URL", "http:///v1"),
        ("OPENAI_API", "completions"),
        ("SLACK_API_URL", "slack.com"),
        ("SLACK_FOLLOW_THREADS", "maybe"),
        ("DISCORD_TOKEN", "Bot abc"),
        ("DISCORD_GUILDS", "1234, mine"),
        ("DISCORD_API_URL", "ftp://discord.com"),
        ("DISCORD_FOLLOW_THREADS", "2"),
        ("ALLOW", "C024BE7LH"),
        ("DENY", "slack:"),
        ("ADMINS", "slack:U1,irc:me"),
        ("DATABASE_URL", "mysql://localhost/parley"),
        ("DATABASE_URL", "sqlite:///"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite:///parley.db?mode=ro"),
        ("OPEN_METEO_URL", "api open-meteo"),
        ("OPEN_METEO_GEOCODING_URL", "https://"),
        ("PRICES", "nowhere.toml"),
        ("RETENTION_DAYS", "0"),
        ("RETENTION_DAYS", "1.5"),
        ("ASK_TIMEOUT", "-1"),
        ("ASK_TIMEOUT", "inf"),
        ("MAX_CONCURRENT_RUNS", "many"),
        ("API_KEY", "ä"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_variable_and_the_remedy(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    (line,) = mistakes(monkeypatch, **{variable: value})
    assert line.startswith(f"{variable} ")
    assert "\n" not in line
    assert line.endswith(".")
    assert any(remedy in line for remedy in REMEDIES)


def test_all_mistakes_come_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = mistakes(
        monkeypatch, PORT="x", OPENAI_BASE_URL="y", LOG_LEVEL="z", SLACK_BOT_TOKEN=BOT, AZURE_OPENAI_API_KEY="k"
    )
    assert [line.split()[0] for line in lines] == [
        "OPENAI_BASE_URL",
        "PORT",
        "LOG_LEVEL",
        "SLACK_BOT_TOKEN",
        "AZURE_OPENAI_API_KEY",
    ]


def test_no_line_shows_what_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apart from lists and paths, whose lines say which entry is wrong."""
    telling = {"allow", "deny", "admins", "discord_guilds", "prices"}
    lines = mistakes(monkeypatch, **{name.upper(): "s3cr3t key" for name in set(Settings.model_fields) - telling})
    assert len(lines) > 20
    assert "s3cr3t" not in " ".join(lines)


def test_settings_do_not_show_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = [name for name in Settings.model_fields if name.endswith(("_key", "_token", "_secret"))]
    for name in secrets:
        monkeypatch.setenv(name.upper(), {"slack_bot_token": BOT, "slack_app_token": APP}.get(name, "a-secret"))
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://a.openai.azure.com")
    assert len(secrets) == 8
    assert "secret" not in re.sub(r"\w+_secret", "", f"{load()!r} {load()}")


def test_values_come_from_dotenv_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("\ufeffMODEL=from-file\nPORT=1\nUNKNOWN=x\n", encoding="utf-8")
    monkeypatch.setenv("PORT", "2")
    found = load()
    assert (found.model, found.port) == ("from-file", 2)


def test_a_dotenv_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"MODEL=\xff\xfe\n")
    with pytest.raises(BadSettings, match=r"^\.env cannot be read .*: make it a readable file in UTF-8"):
        load()


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=\nSLACK_BOT_TOKEN=\n")
    for name in ("OPENAI_API_KEY", "DATABASE_URL", "ADMINS", "RETENTION_DAYS", "LOG_FORMAT", "MODEL"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("OPENAI_BASE_URL", "  ")
    assert load() == Settings()
    assert load().is_demo


def test_blanks_around_a_value_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", " sk-1\n")
    monkeypatch.setenv("LOG_LEVEL", " DEBUG ")
    found = load()
    assert (found.openai_api_key, found.log_level) == ("sk-1", "debug")


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMINS", " slack:U1, discord:1234 ,,console:ada.l-1")
    monkeypatch.setenv("DISCORD_GUILDS", "1,2")
    found = load()
    assert found.admins == ("slack:U1", "discord:1234", "console:ada.l-1")
    assert found.discord_guilds == ("1", "2")


@pytest.mark.parametrize(
    ("bot", "app", "secret", "wrong"),
    [
        (BOT, "", "", ["SLACK_BOT_TOKEN is set alone: add SLACK_APP_TOKEN"]),
        ("", APP, "", ["SLACK_APP_TOKEN is set without SLACK_BOT_TOKEN: add it"]),
        ("", "", "s", ["SLACK_SIGNING_SECRET is set without SLACK_BOT_TOKEN: add it"]),
        ("", APP, "s", ["SLACK_APP_TOKEN is set without SLACK_BOT_TOKEN: add it"]),
        (APP, BOT, "", ["SLACK_BOT_TOKEN is not a bot token: set", "SLACK_APP_TOKEN is not an app-level token: set"]),
        ("xoxp-1", "", "s", ["SLACK_BOT_TOKEN is not a bot token: set the one that begins with xoxb-"]),
    ],
)
def test_half_of_slack_is_told_with_the_other_half(
    monkeypatch: pytest.MonkeyPatch, bot: str, app: str, secret: str, wrong: list[str]
) -> None:
    lines = mistakes(monkeypatch, SLACK_BOT_TOKEN=bot, SLACK_APP_TOKEN=app, SLACK_SIGNING_SECRET=secret)
    assert [line[: len(begin)] for line, begin in zip(lines, wrong, strict=True)] == wrong
    assert all("api.slack.com/apps" in line for line in lines)


@pytest.mark.parametrize(("app", "secret"), [(APP, ""), ("", "s"), (APP, "s")])
def test_slack_is_whole_with_a_bot_token_and_one_of_the_other_two(
    monkeypatch: pytest.MonkeyPatch, app: str, secret: str
) -> None:
    for name, value in {"SLACK_BOT_TOKEN": BOT, "SLACK_APP_TOKEN": app, "SLACK_SIGNING_SECRET": secret}.items():
        monkeypatch.setenv(name, value)
    assert load().has_slack


def test_half_of_azure_is_told_with_the_other_half(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = mistakes(monkeypatch, AZURE_OPENAI_ENDPOINT="https://a.openai.azure.com")
    assert "add it (portal.azure.com" in line
    (line,) = mistakes(monkeypatch, AZURE_OPENAI_ENDPOINT="", AZURE_OPENAI_API_KEY="k")
    assert "add it, as https://NAME.openai.azure.com" in line
    (line,) = mistakes(monkeypatch, AZURE_OPENAI_ENDPOINT="https://a.b", OPENAI_BASE_URL="http://localhost/v1")
    assert "keep the one to use" in line


def test_a_wrong_half_is_not_told_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = mistakes(monkeypatch, AZURE_OPENAI_ENDPOINT="no-url", AZURE_OPENAI_API_KEY="k")
    assert line == "AZURE_OPENAI_ENDPOINT is not a URL; write it as https://host/path."


@pytest.mark.parametrize("url", ["postgres://db/parley", "postgresql://db/parley", "postgresql+asyncpg://db/parley"])
def test_postgresql_is_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert mistakes(monkeypatch, DATABASE_URL=url) == [
        "DATABASE_URL names PostgreSQL, which this version does not speak yet; write sqlite:///path/to/parley.db."
    ]


def test_tools_ask_for_settings_by_the_variables_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPEN_METEO_URL", "http://127.0.0.1:1")
    found = load()
    assert [found.text(name) for name in ("OPEN_METEO_URL", "PRICES", "model_config", "HOME")] == [
        "http://127.0.0.1:1",
        "",
        "",
        "",
    ]


def test_the_example_explains_every_setting_in_one_line_each() -> None:
    lines = [line for line in EXAMPLE.read_text(encoding="utf-8").split("\n\n", 1)[1].splitlines() if line]
    explanations, values = lines[::2], lines[1::2]
    assert all(re.fullmatch(r"# [A-Z].+\.", line) for line in explanations)
    names = [line.removeprefix("# ").partition("=")[0].lower() for line in values]
    assert names == list(Settings.model_fields)


def test_the_example_with_its_values_taken_in_is_well_formed(tmp_path: Path) -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    values = [line.removeprefix("# ") for line in lines if re.match(r"# [A-Z_]+=", line)]
    kept = [line for line in values if not line.startswith(("PRICES", "OPENAI_BASE_URL"))]
    (tmp_path / ".env").write_text("\n".join(kept), encoding="utf-8")
    assert load().retention_days == 90
