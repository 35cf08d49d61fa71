"""Output of `scan`; the secrets themselves are never shown."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from promptvault.cli import terminal
from promptvault.cli.render.table import Column, print_table
from promptvault.services.prompts.redact import PromptSecrets


def print_secrets(found: Sequence[PromptSecrets]) -> None:
    """Print a line for each type of secret in each prompt, and the remedies."""
    columns = (
        Column("Name", "cyan"),
        Column("Looks like", "yellow"),
        Column("Where"),
        Column("State"),
    )
    lines = (line for holding in found for line in _lines(holding))
    print_table(columns, lines, "No prompt holds what looks like a secret.")
    held = sum(holding.prompt.is_held_back for holding in found)
    if held:
        one = "1 prompt stays in its vault"
        what = one if held == 1 else f"{held:,} prompts stay in their vaults"
        terminal.note(
            f"{what} until you 'redact NAME' (or --all), or 'set NAME --allow-secrets'."
        )


def _lines(holding: PromptSecrets) -> Iterator[tuple[str, ...]]:
    prompt = holding.prompt
    places = defaultdict(list)
    for secret in holding.secrets:
        places[secret.type].append(str(secret.line))
    for field, kind in holding.fields:
        places[kind].append(field)
    if not prompt.secrets:
        numbers = ", ".join(f"@{number}" for number in holding.versions)
        yield prompt.name, "", "", f"only in older versions: {numbers}"
    for kind in prompt.secrets:
        state = "held back" if prompt.is_held_back else "allowed"
        yield prompt.name, kind, ", ".join(places[kind]), state
