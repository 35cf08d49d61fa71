"""Where each prompt's Markdown file stands in the history."""

from promptvault.domain.prompt import Prompt

TRASH_FOLDER = ".trash"
"""No name begins with a dot, so nothing else can stand there."""


def history_path(prompt: Prompt) -> str:
    """Return the path of the file of *prompt*."""
    return (
        f"{TRASH_FOLDER}/{prompt.id}.md" if prompt.deleted_at else f"{prompt.name}.md"
    )
