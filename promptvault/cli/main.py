"""The program's entry: two readers of arguments, one table of exit codes.

`quick.door` reads the plain forms of commands that run in shell loops. Typer reads all
other forms: importing it takes longer than those commands run.
"""

import errno
import os
import sys

from promptvault.cli import terminal
from promptvault.cli.general_options import apply_general_options
from promptvault.cli.quick.door import find_answer
from promptvault.errors import InvalidInputError, PromptVaultError, UnavailableError

_NOT_TAKEN = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}
"""The errors of a full or failing disk, or of a closed stdout, for output. The vault
has errors of its own."""


def main() -> None:
    """Run the program, and exit with a code of `promptvault.errors`."""
    terminal.prepare_streams()
    if any(name.endswith("_COMPLETE") for name in os.environ):
        _complete()
    sys.exit(run(sys.argv[1:]))


def _complete() -> None:
    """Answer Tab, if a shell asks for it; else return."""
    from promptvault.cli import bash_completion
    from promptvault.cli.quick.tab import complete_name
    from promptvault.cli.quick.typed import take_vault_option

    take_vault_option(os.environ)
    code = complete_name(os.environ, os.path.basename(sys.argv[0]))
    if code is not None:
        sys.exit(code)
    bash_completion.prepare(os.environ)


def run(arguments: list[str], *, quickly: bool = True) -> int:
    """Run the program with *arguments*, and return its exit code.

    If not *quickly*, Typer reads the arguments, whatever their form.
    """
    as_json = "--json" in arguments or "--jsonl" in arguments
    try:
        _require_text(arguments)
        arguments = apply_general_options(arguments)
        answer = find_answer(arguments) if quickly else None
        code = 0
        if answer:
            answer()
        else:
            from promptvault.cli.program import run_command

            code = run_command(arguments)
        sys.stdout.flush()
        return code
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
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NOT_TAKEN:
            return _report_unwritable(error, as_json=as_json)
        return _report_foreign(error, as_json=as_json)


def _require_text(arguments: list[str]) -> None:
    try:
        "".join(arguments).encode()
    except UnicodeEncodeError:
        raise InvalidInputError("An argument is not UTF-8 text.") from None


def _end_quietly() -> int:
    """Return success: the reader of the output stopped early, as `head` does."""
    terminal.discard_output()
    return 0


def _report_unwritable(error: OSError, *, as_json: bool) -> int:
    """Report that the output could not be written, as to a full disk."""
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
    if message:  # without a command, Typer has printed the help instead
        context = getattr(error, "ctx", None)
        message += "" if message.endswith((".", "?")) else "."
        hint = f" Try '{context.command_path} --help'." if context else ""
        terminal.report("invalid_input", message + hint, as_json=as_json)
    return int(getattr(error, "exit_code", 2))
