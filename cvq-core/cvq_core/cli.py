"""The `cvq` command: each component brings its own subcommands, loaded only when they are called."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points

import typer

GROUP = "cvq.commands"
HELP = "Guichet et carte de vie quotidienne."


def main() -> None:
    """Run one command."""
    available = {entry.name: entry for entry in entry_points(group=GROUP)}
    wanted = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    app = typer.Typer(help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    # A callback makes a group of it, even while a single command is loaded.
    app.callback()(lambda: None)
    for name, entry in sorted(available.items()):
        if wanted is not None and name != wanted:
            continue
        try:
            command = entry.load()
        except ModuleNotFoundError as error:
            if wanted == name:
                raise SystemExit(
                    f"`cvq {name}` needs the module {error.name}, which this installation does not have: "
                    "install cvq with the extra `server` or `booth`"
                ) from None
            continue
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name=name)(command)
    if wanted is not None and wanted not in available:
        raise SystemExit(f"cvq has no command {wanted}; it has: {', '.join(sorted(available))}")
    app()
