"""Whether a template that a model wrote is what the description asks for."""

from promptvault.domain.prompt import Content, short_line
from promptvault.services.similar.subject import count_shared_words
from promptvault.services.templates.check import find_variables
from promptvault.services.templates.draft import TemplateDraft

_LONGEST_TITLE = 60


def find_miss(description: str, content: Content) -> str | None:
    """Return how a valid template misses *description*, None if it seems to fit it.

    *content* includes the variables, with what is said about them.
    """
    if not find_variables(content):
        return "It has no variable: what changes from use to use must be one."
    about = "\n".join(f"{each.name} {each.description}" for each in content.variables)
    words = count_shared_words(description, f"{content.body}\n{about}")
    if words.total and not words.shared:
        return "The body has no word of the description in it."
    return None


def with_title(draft: TemplateDraft, description: str) -> TemplateDraft:
    """Return *draft* with a title: the beginning of the description if it has none."""
    if draft.title:
        return draft
    return draft._replace(title=short_line(description, _LONGEST_TITLE))
