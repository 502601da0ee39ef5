"""The command line. Without a command it serves every platform whose credentials are set, and the HTTP API if it has a
key; with none of these it opens the chat.
"""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bot import log, settings
from bot.api_cli import api
from bot.errors import ParleyError
from bot.settings import BadSettings, Settings
from bot.view import printable

if TYPE_CHECKING:
    from bot.doctor import Check
    from bot.serving import Server

HELP = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="parley",
    help="An assistant that a team talks to in Slack and Discord.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings=HELP,
)
slack = typer.Typer(help="What it takes to install Parley in Slack.", no_args_is_help=True, context_settings=HELP)
app.add_typer(slack, name="slack")
discord = typer.Typer(help="What it takes to install Parley in Discord.", no_args_is_help=True, context_settings=HELP)
app.add_typer(discord, name="discord")
files = typer.Typer(help="The files that can be searched.", no_args_is_help=True, context_settings=HELP)
app.add_typer(files, name="files")
app.add_typer(api, name="api")

Platform = Annotated[Literal["slack", "discord", "console"] | None, typer.Option(help="Where the command holds …")]
Workspace = Annotated[str, typer.Option(metavar="ID", help="… the workspace or server, if there are several …")]
Channel = Annotated[str, typer.Option(metavar="ID", help="… and the channel, if not for all of it.")]


def main() -> None:
    """The script `parley`. Mistakes in the settings end it with code 2, everything else that fails with 1."""
    _open_streams()
    try:
        app()
    except BadSettings as error:
        for mistake in error.mistakes:
            typer.echo(mistake, err=True)
        sys.exit(2)
    except ParleyError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)


@app.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    log.configure("warning", None)
    if context.invoked_subcommand is None:
        serve()


@app.command()
def serve() -> None:
    """Serve every platform whose credentials are set, and the HTTP API if it has a key; with none, open the chat."""
    from bot.api.keys import holders

    found = settings.load()
    programs = bool(holders(found))
    if found.has_slack or found.has_discord or programs:
        _serve(found, programs)
    else:
        _console(found)


@app.command()
def console() -> None:
    """Chat in this terminal; with piped input, a message a line."""
    _console(settings.load())


@app.command()
def doctor() -> None:
    """Check settings, database, model endpoint and tokens: what is right, what is missing and how to get it."""
    from bot.doctor import examine

    found = settings.load()
    sys.exit(0 if _run(examine(found, typer.echo, list(_checks(found)))) else 1)


@slack.command()
def manifest(
    http: Annotated[
        str | None, typer.Option(metavar="URL", help="For HTTP at this address, instead of Socket Mode.")
    ] = None,
) -> None:
    """Print the manifest of the Slack app: api.slack.com/apps, Create New App, From a manifest."""
    from adapters.slack.manifest import rendered

    typer.echo(rendered(http), nl=False)


@discord.command()
def invite() -> None:
    """Print the link that adds Parley to a Discord server, with the permissions that it needs."""
    from adapters.discord.invite import application_id, invite_url

    token = settings.load().discord_token
    if token is None:
        raise ParleyError(f"The link needs DISCORD_TOKEN: set it ({settings.DISCORD_TOKENS}).")
    typer.echo(invite_url(application_id(token)))


@app.command()
def threads(limit: Annotated[int, typer.Option(help="How many, newest first.", min=1, max=1000)] = 20) -> None:
    """List the threads."""
    from bot.reports import show_threads

    _run(show_threads(settings.load(), limit))


@app.command()
def runs(thread: Annotated[str, typer.Argument(metavar="THREAD", help="An id, as `parley threads` shows it.")]) -> None:
    """Show a thread's runs: their steps, times and tokens."""
    from bot.reports import show_runs

    _run(show_runs(settings.load(), thread))


@app.command()
def tools() -> None:
    """List the tools with their parameters."""
    from bot.reports import show_tools

    show_tools()


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; it must not exist.")],
) -> None:
    """Copy the database to FILE; safe while Parley runs."""
    from bot.store.backup import copy

    found = settings.load()
    copy(found.database, file)
    typer.echo(f"Copied {found.database} to {file}.")


@app.command(context_settings=HELP | {"allow_interspersed_args": False})
def admin(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="COMMAND", help="As in the chat; without any, the help.")
    ] = None,
    platform: Platform = None,
    workspace: Workspace = "",
    channel: Annotated[str, typer.Option(metavar="ID", help="… the channel that “here” stands for …")] = "",
    thread: Annotated[str, typer.Option(metavar="ID", help="… and the thread.")] = "",
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file to write what is exported to; it must not exist.")
    ] = None,
) -> None:
    """Give a command as an admin, while Parley runs or not. What was exported goes to standard output, or to FILE."""
    from adapters.console import who
    from adapters.console.folder import Folder
    from adapters.console.typed import Typed
    from bot.admin import Given, carry_out, write

    if output is not None and output.exists():
        raise ParleyError(f"{output} exists already. Name a new file.")
    given, text, found = Given(platform or "", workspace, channel, thread), " ".join(words or ()), settings.load()
    outcome = _run(carry_out(found, given, text, operator=who.operator(), terminal=who.HERE))
    answer = outcome.answer
    if answer.forgot and outcome.where == who.HERE:
        Typed(_history(found)).forget()
        if left := Folder(_files(found)).forget():
            typer.echo(left, err=True)
    # Where standard output is the file, it is that and nothing else.
    typer.echo(printable(answer.text), err=answer.file is not None and output is None)
    if output is not None:
        write(outcome, output)
    elif answer.file is not None:
        typer.echo(answer.file.content, nl=False)
    sys.exit(0 if outcome.known else 1)


@files.command("add")
def add_files(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files of this machine.")],
    platform: Platform = None,
    workspace: Workspace = "",
    channel: Channel = "",
) -> None:
    """Let files be searched in a channel, or in the whole workspace, while Parley runs or not."""
    from adapters.console import who
    from bot.admin import Given
    from bot.bringing import Teller, bring

    given, found = Given(platform or "", workspace, channel), settings.load()
    teller = Teller(lambda text: typer.echo(printable(text)), _progress if sys.stderr.isatty() else None)
    sys.exit(0 if _run(bring(found, given, paths, teller, operator=who.operator(), terminal=who.HERE)) else 1)


@files.command("list")
def list_files(platform: Platform = None, workspace: Workspace = "", channel: Channel = "") -> None:
    """List the files of the workspace, and of the channel if one is given."""
    admin(["files", "list"], platform, workspace, channel)


@files.command("remove")
def remove_file(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Or an id, if there are several of one name.")],
    platform: Platform = None,
    workspace: Workspace = "",
    channel: Channel = "",
) -> None:
    """Remove a file: no one can have it searched any more."""
    admin(["files", "remove", name], platform, workspace, channel)


def _progress(line: str) -> None:
    """Shown in place of the line before."""
    typer.echo(f"\r\x1b[K{printable(line)}", err=True, nl=False)


def _serve(found: Settings, programs: bool) -> None:
    from bot.serving import serve as serving

    log.configure(found.log_level, found.log_format)
    _run(serving(found, [*_slack(found), *_discord(found)], api=programs))


def _slack(found: Settings) -> Iterator[Server]:
    if found.slack_bot_token is not None:
        from adapters.slack import SlackAdapter, SlackSettings
        from bot.clock import SystemClock

        settings = SlackSettings(
            bot_token=found.slack_bot_token,
            app_token=found.slack_app_token,
            signing_secret=found.slack_signing_secret,
            api_url=found.slack_api_url,
            follow_threads=found.slack_follow_threads,
            allow=found.allow,
        )
        yield SlackAdapter(settings, SystemClock())


def _discord(found: Settings) -> Iterator[Server]:
    if found.discord_token is not None:
        from adapters.discord import DiscordAdapter, DiscordSettings
        from bot.clock import SystemClock

        settings = DiscordSettings(
            token=found.discord_token,
            servers=found.discord_guilds,
            api_url=found.discord_api_url,
            follow_threads=found.discord_follow_threads,
        )
        yield DiscordAdapter(settings, SystemClock())


def _checks(found: Settings) -> Iterator[Check]:
    """What asks the platforms themselves."""
    if found.slack_bot_token is not None:
        from adapters.slack.doctor import examine

        yield partial(
            examine,
            bot_token=found.slack_bot_token,
            app_token=found.slack_app_token,
            signing_secret=found.slack_signing_secret,
            api_url=found.slack_api_url,
            config_token=found.slack_config_token,
        )
    if found.discord_token is not None:
        from adapters.discord.doctor import examine as examine_discord

        yield partial(
            examine_discord, token=found.discord_token, api_url=found.discord_api_url, guilds=found.discord_guilds
        )


def _console(found: Settings) -> None:
    from adapters.console import ChatConsole, PipedConsole
    from bot.serving import talk

    # The screen is for the answers, and standard error for the statuses: the log joins them where it was asked for.
    log.configure(found.log_level if "log_level" in found.model_fields_set else "warning", found.log_format)
    if sys.stdin.isatty() and sys.stdout.isatty():
        _run(talk(found, ChatConsole(_greeting(found), _history(found), _files(found))))
    else:
        _run(talk(found, PipedConsole(folder=_files(found))))


def _history(found: Settings) -> Path:
    """The file that keeps what was typed in the chat."""
    return found.database.with_name(f"{found.database.name}.history")


def _files(found: Settings) -> Path:
    """The folder for what tools make for the one at the terminal."""
    return found.database.with_name(f"{found.database.name}.files")


def _greeting(found: Settings) -> str:
    by = "The demo model answers: no OPENAI_API_KEY is set." if found.is_demo else f"{found.model} answers."
    return f"Parley. {by}\nLeave with Ctrl-D; /help tells what else there is.\n"


def _open_streams() -> None:
    """What cannot be decoded or encoded becomes a question mark; no standard input at all is an empty one."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - for as long as the program runs
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)
