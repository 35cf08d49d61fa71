"""The command table as a Typer group, which reads every form of arguments."""

import importlib
from typing import Annotated, Any, TypeAlias, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from promptvault import __version__
from promptvault.cli import completion, general_options, terminal
from promptvault.cli.commands import COMMANDS, Entry
from promptvault.errors import InvalidInputError

# Classes of the click that Typer carries within itself; they have no public name.
Command: TypeAlias = Any
Context: TypeAlias = Any


class CommandTable(TyperGroup):
    """Knows every command by name and help, and imports the one that is run."""

    def list_commands(self, ctx: Context) -> list[str]:
        """Return the commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> Command:
        """Return a stand-in that has the name and the help, enough for lists."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        return TyperCommand(
            cmd_name,
            help=entry.help,
            short_help=entry.help,
            rich_help_panel=entry.panel,
        )

    def resolve_command(self, ctx: Context, args: list[str]) -> Any:
        """Return the real command that *args* begin with."""
        # Where Typer looks for "did you mean"; only the names are read.
        self.commands = dict.fromkeys(COMMANDS, cast("Any", None))
        name, command, rest = super().resolve_command(ctx, args)
        if command and COMMANDS[str(name)].free_options:
            end = rest.index("--") if "--" in rest else len(rest)
            words = ["--help" if word == "-h" else word for word in rest[:end]]
            rest = words + rest[end:]
        return name, command and load(str(name)), rest


def load(name: str) -> Command:
    """Import the command called *name*."""
    entry: Entry = COMMANDS[name]
    module, _, attribute = entry.target.partition(":")
    target = getattr(
        importlib.import_module(f"promptvault.cli.commands.{module}"), attribute
    )
    if isinstance(target, typer.Typer):
        # Unlike get_command, without the options that install completion.
        command: Command = get_group(target)
    else:
        alone = typer.Typer(add_completion=False)
        # With "-h" as an option, "-french" would ask for help: it holds an "h".
        free = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
        settings = free if entry.free_options else None
        alone.command(name, context_settings=settings)(target)
        command = get_command(alone)
    command.name = name
    return command


def _print_version(wanted: bool) -> None:
    if wanted:
        terminal.write(f"promptvault {__version__}\n")
        raise typer.Exit


app = typer.Typer(
    cls=CommandTable,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="'promptvault help' lists the topics of the handbook.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def promptvault(
    colour: Annotated[
        str,
        typer.Option(
            general_options.COLOR,
            metavar="WHEN",
            autocompletion=lambda: list(general_options.COLOR_CHOICES),
            help="Print in colour: always, never, or auto (on a terminal), in any"
            " command.",
        ),
    ] = "auto",
    no_colour: Annotated[
        bool, typer.Option(general_options.NO_COLOR, help="The same as --color=never.")
    ] = False,
    no_pager: Annotated[
        bool,
        typer.Option(
            general_options.NO_PAGER, help="Print without a pager, in any command."
        ),
    ] = False,
    vault: Annotated[
        str | None,
        typer.Option(
            general_options.VAULT,
            metavar="NAME",
            autocompletion=completion.vaults,
            help="Work on this vault, in any command. VAULT:NAME means a prompt in it.",
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version.",
        ),
    ] = False,
) -> None:
    """Your prompts, out of every chat, in a local vault with git history."""
    # All but the version are declared for --help: `general_options` took them out.


def run_command(arguments: list[str]) -> int:
    """Run the command that *arguments* give, and return its exit code.

    Raises the errors of the command, and Typer's for arguments that do not fit.
    """
    try:
        return int(app(arguments, standalone_mode=False) or 0)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except OSError as error:
        if "--install-completion" in arguments:
            raise InvalidInputError(
                f"{error.filename} cannot be written: {error.strerror}."
                " --show-completion prints what would be installed."
            ) from error
        raise
