"""`parley api`: the HTTP API alone, the keys of programs, and what is brought in from elsewhere."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bot import log, settings
from bot.errors import ParleyError

api = typer.Typer()
key = typer.Typer(help="The keys of programs.", no_args_is_help=True)
api.add_typer(key, name="key")

Tenant = Annotated[
    str, typer.Option(metavar="TENANT", help="Whose: a name of your own, or a workspace, as slack:T024BE7LH.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="What the key is called by.")]


@api.callback(invoke_without_command=True)
def serve(context: typer.Context) -> None:
    """Serve the Assistants API over HTTP on PORT, and nothing else."""
    if context.invoked_subcommand is not None:
        return
    from bot.api.keys import holders
    from bot.serving import serve as serving

    found = settings.load()
    if not holders(found):
        raise ParleyError(
            "The HTTP API has no key, so nobody could call it. Make one with `parley api key create NAME`, or set "
            "API_KEY."
        )
    log.configure(found.log_level, found.log_format)
    asyncio.run(serving(found, [], api=True))


@api.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON or JSON lines: objects as the API returned them.")],
    tenant: Tenant = "default",
) -> None:
    """Bring in assistants, threads and messages that were exported, while Parley runs or not."""
    from bot.api import shell
    from bot.tenants import Tenant as Of

    whose = Of.named(tenant)
    for line in asyncio.run(shell.bring(settings.load(), file, whose)):
        typer.echo(line)


@key.command("create")
def create_key(name: Name, tenant: Tenant = "default") -> None:
    """Make a key and print it, this once."""
    from bot.api import shell
    from bot.tenants import Tenant as Of

    whose = Of.named(tenant)
    made = asyncio.run(shell.create_key(settings.load(), name, whose))
    # Standard output is the key and nothing else, so that it can be piped to where it belongs.
    typer.echo(f"The key “{name}” opens {whose}. It is not shown again:", err=True)
    typer.echo(made)


@key.command("list")
def list_keys() -> None:
    """List the keys by their names, and whose objects they open."""
    from bot.reports import show_keys

    asyncio.run(show_keys(settings.load()))


@key.command("revoke")
def revoke_key(name: Name) -> None:
    """Remove a key: it opens nothing from then on, also where Parley runs."""
    from bot.api import shell

    asyncio.run(shell.revoke_key(settings.load(), name))
    typer.echo(f"The key “{name}” opens nothing any more.")
