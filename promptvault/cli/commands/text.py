"""`get`: the text of a prompt, as quickly as can be; it sits in shell loops."""

from typing import Annotated

import typer

from promptvault.cli import options, shared
from promptvault.cli.quick.get import print_text
from promptvault.domain.share_link import is_url


def get(
    reference: options.Reference,
    values: options.Values = None,
    literals: options.Literals = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Print a template as it is, not filled in.")
    ] = False,
    copy: Annotated[
        bool, typer.Option("--copy", help="Put the text on the clipboard instead.")
    ] = False,
    password_file: options.PasswordFile = None,
    as_json: options.Json = False,
) -> None:
    """Print a prompt's text, filled in if it is a template, and nothing else.

    In place of NAME, the link of a shared prompt may be given.
    """
    if is_url(reference):
        shown = shared.fetch(reference, password_file)
        return shared.print_text(
            shown, values, literals, raw=raw, copy=copy, as_json=as_json
        )
    return print_text(reference, values, literals, raw=raw, copy=copy, as_json=as_json)
