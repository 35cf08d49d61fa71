"""Where each prompt's Markdown file stands in the history."""

from promptvault.domain.prompt import Prompt

TRASH_FOLDER = ".trash"
"""No name begins with a dot, so nothing else can stand there."""


def history_path(prompt: Prompt) -> str:
    """Return the path of the file of *prompt*."""
    return path_of(prompt.id, prompt.name, is_deleted=prompt.deleted_at is not None)


def path_of(prompt_id: str, name: str, *, is_deleted: bool) -> str:
    """Return the path of the file of a prompt, from what it depends on."""
    return f"{TRASH_FOLDER}/{prompt_id}.md" if is_deleted else f"{name}.md"
