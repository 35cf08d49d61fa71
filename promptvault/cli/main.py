"""The program's entry: its command table as a Typer group, and its exit codes."""

import errno
import importlib
import os
import sys
from typing import Annotated, Any, TypeAlias, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from promptvault import __version__
from promptvault.cli import bash_completion, terminal
from promptvault.cli.commands import COMMANDS, Entry
from promptvault.errors import InvalidInputError, PromptVaultError, UnavailableError

# Classes of the click that Typer carries within itself; they have no public name.
Command: TypeAlias = Any
Context: TypeAlias = Any


_NO_COLOUR, _COLOUR, _NO_PAGER = "--no-color", "--color", "--no-pager"
_WHEN = ("auto", "always", "never")
_NOT_TAKEN = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}
"""What a full or failing disk, or a closed stdout, says to what is printed; the vault
has own errors."""


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
        return name, command and load(str(name)), rest


def load(name: str) -> Command:
    """Import the command called *name*."""
    entry: Entry = COMMANDS[name]
    module, _, attribute = entry.target.partition(":")
    target = getattr(
        importlib.import_module(f"promptvault.cli.commands.{module}"), attribute
    )
    if not isinstance(target, typer.Typer):
        function, target = target, typer.Typer(add_completion=False)
        settings = {"ignore_unknown_options": True} if entry.free_options else None
        target.command(name, context_settings=settings)(function)
    command = get_command(target)
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
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def promptvault(
    colour: Annotated[
        str,
        typer.Option(
            _COLOUR,
            metavar="WHEN",
            autocompletion=lambda: list(_WHEN),
            help="Print in colour: always, never, or auto (on a terminal), in any"
            " command.",
        ),
    ] = "auto",
    no_colour: Annotated[
        bool, typer.Option(_NO_COLOUR, help="The same as --color=never.")
    ] = False,
    no_pager: Annotated[
        bool, typer.Option(_NO_PAGER, help="Print without a pager, in any command.")
    ] = False,
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
    # All but the version are declared for --help: `run` has taken them out before.


def main() -> None:
    """Run the program and exit with the code of the contract."""
    terminal.prepare_streams()
    bash_completion.prepare(os.environ)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the program with *arguments* and return its exit code."""
    as_json = "--json" in arguments or "--jsonl" in arguments
    try:
        _require_text(arguments)
        code = app(_without_general_options(arguments), standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except PromptVaultError as error:
        terminal.report(error.code, str(error), as_json=as_json)
        return error.exit_code
    except BrokenPipeError:
        return _end_quietly()
    except SystemExit as stop:
        # Typer catches a broken pipe first, and turns it into this.
        if isinstance(stop.__context__, BrokenPipeError):
            return _end_quietly()
        raise
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Exception as error:
        if getattr(error, "errno", None) in _NOT_TAKEN:
            return _report_unwritable(cast("OSError", error), as_json=as_json)
        return _report_foreign(error, as_json=as_json)


def _without_general_options(arguments: list[str]) -> list[str]:
    """Apply the options that every command has, and take them out, wherever they are.

    Raises InvalidInputError.
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    rest, when = [], "auto"
    words = iter(arguments[:end])
    for word in words:
        option, _, value = word.partition("=")
        if word == _NO_COLOUR:
            when = "never"
        elif option == _COLOUR:
            when = value or next(words, "")
        elif word == _NO_PAGER:
            os.environ["PROMPTVAULT_PAGER"] = "cat"
        else:
            rest.append(word)
    if when not in _WHEN:
        raise InvalidInputError("--color must be auto, always or never.")
    terminal.choose_colour(when)
    return rest + arguments[end:]


def _require_text(arguments: list[str]) -> None:
    try:
        "".join(arguments).encode()
    except UnicodeEncodeError:
        raise InvalidInputError("An argument is no UTF-8 text.") from None


def _end_quietly() -> int:
    """End well: whoever read our output has had enough; nothing must flush it."""
    terminal.discard_output()
    return 0


def _report_unwritable(error: OSError, *, as_json: bool) -> int:
    """Report that the data did not go where it was sent, as into a file."""
    terminal.discard_output()
    message = f"The output cannot be written: {error.strerror}."
    terminal.report(UnavailableError.code, message, as_json=as_json)
    return UnavailableError.exit_code


def _report_foreign(error: Exception, *, as_json: bool) -> int:
    """Report a usage error of Typer's, or a bug of ours."""
    usage = getattr(error, "format_message", None)
    if usage is None:
        if os.environ.get("PROMPTVAULT_DEBUG"):
            raise error
        where = type(error).__name__
        message = f"PromptVault failed ({where}). PROMPTVAULT_DEBUG=1 shows where."
        terminal.report(PromptVaultError.code, message, as_json=as_json)
        return PromptVaultError.exit_code
    message = str(usage())
    if message:  # else the help stands there already, in place of a missing command
        context = getattr(error, "ctx", None)
        message += "" if message.endswith((".", "?")) else "."
        hint = f" Try '{context.command_path} --help'." if context else ""
        terminal.report("invalid_input", message + hint, as_json=as_json)
    return int(getattr(error, "exit_code", 2))
