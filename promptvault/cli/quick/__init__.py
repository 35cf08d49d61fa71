"""Commands for shell loops, prompts and previews, answered without importing Typer.

`get`, `list --plain`, `search` to a pipe, and Tab after a command that takes a name.
Importing Typer takes longer than all of their work. `door` reads the plain forms of
their arguments; for any other form, Typer reads them and calls the same functions.
"""
