"""The check of a template's syntax, which imports Jinja2 only if needed."""

from promptvault.domain.prompt import Content
from promptvault.errors import NotFoundError


def is_valid_template(body: str) -> bool:
    """Return True if *body* is valid template syntax; includes are not loaded.

    A text without template tags is valid.
    """
    if not any(mark in body for mark in ("{{", "{%", "{#")):
        return True
    # Importing Jinja2 takes 0.1 s, which only a merged template needs.
    from jinja2 import TemplateError

    from promptvault.services.prompts.render import environment_for

    environment = environment_for("", Content(body, template=True), _load_nothing)
    try:
        environment.compile(body)
    except (TemplateError, RecursionError, SyntaxError):
        return False
    return True


def _load_nothing(reference: str) -> Content:
    raise NotFoundError(f"{reference} is not loaded here.")
