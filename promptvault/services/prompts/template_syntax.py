"""Whether a text can be read as a template; Jinja2 is loaded only if it may be one."""

from promptvault.domain.prompt import Content
from promptvault.errors import NotFoundError


def is_valid_template(body: str) -> bool:
    """Tell whether *body* is a template that can be filled in, includes aside.

    A text without a mark of a template is one, and costs nothing to tell.
    """
    if not any(mark in body for mark in ("{{", "{%", "{#")):
        return True
    # Jinja2 takes 0.1 s to import: only for a sync that has merged a template.
    from jinja2 import TemplateError

    from promptvault.services.prompts.render import environment_for

    environment = environment_for("", Content(body, template=True), _load_nothing)
    try:
        environment.compile(body)
    except (TemplateError, RecursionError, SyntaxError):
        return False
    return True


def _load_nothing(reference: str) -> Content:
    raise NotFoundError(f"{reference} is not looked at here.")
