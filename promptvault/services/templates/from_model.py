"""Templates written by a model: from a description, or from similar prompts."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from promptvault.domain.chat import Message, Request, Role, Schema, ceiling_of
from promptvault.domain.prompt import Content
from promptvault.domain.schema import INTEGER, TEXT, list_of, strict_object, text_of
from promptvault.domain.token import estimate_tokens
from promptvault.errors import InvalidInputError
from promptvault.services.asking.json_answer import InvalidAnswerError, ask_json
from promptvault.services.asking.model import Model
from promptvault.services.asking.secret_check import refuse_secrets, refuse_secrets_in
from promptvault.services.similar.groups import measure_similarity
from promptvault.services.similar.minhash import normalise
from promptvault.services.templates.align import Gap, align, count_words
from promptvault.services.templates.check import (
    VARIABLE,
    fill_template,
    find_fault,
    parse_draft,
)
from promptvault.services.templates.draft import TemplateDraft
from promptvault.services.templates.from_prompts import (
    LEAST_SHARED,
    MOST_SLOTS,
    Filling,
    Generalized,
    Source,
    refuse_unlike,
)
from promptvault.services.templates.wish import find_miss, with_title

ANSWER_TOKENS = 800
"""Estimated tokens of a template with its description and variables."""
_MOST_VARIABLES = 12
LEAST_WORDS = 2
LEAST_SIMILARITY = 90
"""Percent; the minimum similarity of the filled template to each source."""
_MOST_LOST = 5
"""The maximum number of consecutive words of a source that may be missing."""

_TEMPLATE = {
    "title": text_of(120),
    "description": text_of(500),
    "tags": list_of(text_of(40), 4),
    "body": TEXT,
    "variables": list_of(VARIABLE, _MOST_VARIABLES),
}
_NEW = Schema("prompt_template", strict_object(**_TEMPLATE))
_VALUE = strict_object(name=text_of(60), value=TEXT)
_VALUES = strict_object(prompt=INTEGER, values=list_of(_VALUE, MOST_SLOTS))

_RULES = """\
The body is a Jinja2 template: {{ name }} stands where a value is filled in. Use only
variables that you declare, and declare only variables that the body uses. Names are
lower_case words of letters, digits and underscores. No includes, imports or macros, no
keys or passwords. Give a variable a default only where one value suits most uses, else
null; choices only where no other values make sense, else an empty list. The type is
string, integer, number or boolean. The title has at most 60 characters, the description
is one line that says what the template is for, and there are one to four short tags.
Write all of it in the language of what you are given."""
_WRITE = f"""\
You write prompt templates for language models. From the person's description, write
one that is clear, specific and complete: the task, the context that it needs, the form
of the answer. What changes from use to use is a variable. The variable stdin is filled
with what is piped in; use it, undeclared, only where a text is to be worked on.
{_RULES}"""
_GENERALIZE = f"""\
You make one prompt template out of similar prompts that a person has collected. Keep
the wording: what the prompts share goes into the body word for word, and what differs
becomes a variable with a telling name, at most {MOST_SLOTS} of them. Never reword,
shorten or leave out anything. For each prompt, by its number, give the value of every
variable, so that filling the body with them gives that prompt again exactly, with its
blanks and line ends. Text that is none of your variables but holds {{{{, {{% or {{#
stands in {{% raw %}} … {{% endraw %}}.
{_RULES}"""
_ONE = """\
There is one prompt only: find the constants in it that a person would change from use
to use (names, topics, dates, languages, numbers, audiences) and make them variables,
with what stands there now as their defaults and as their values."""


def request_from_description(
    description: str, *, allow_secrets: bool = False
) -> Request:
    """Return the request for a template that fits *description*.

    Raises InvalidInputError if the description is too short, and PermissionDeniedError
    if it holds a likely secret.
    """
    text = description.strip()
    if count_words(text) < LEAST_WORDS:
        raise InvalidInputError(
            "Describe the template in a few words: what it is for, what changes in it."
        )
    refuse_secrets_in("The description", text, allowed=allow_secrets)
    messages = (Message(Role.SYSTEM, _WRITE), Message(Role.USER, text))
    return Request(messages, schema=_NEW, ceiling=ceiling_of(ANSWER_TOKENS))


class WrittenTemplate(NamedTuple):
    """A valid template that a model wrote."""

    draft: TemplateDraft
    miss: str | None
    """How it misses the description, in a sentence; None if it seems to fit it."""


def generate_template(model: Model, request: Request) -> WrittenTemplate:
    """Return the template that *model* writes for `request_from_description`.

    A template that misses the description is asked for again once. Raises
    UnavailableError if no answer is a valid template, and what `Model.ask` raises.
    """
    description = request.messages[-1].content
    missed: list[WrittenTemplate] = []

    def complaint(value: Mapping[str, Any]) -> str | None:
        try:
            draft = parse_draft(value)
        except InvalidInputError as error:
            return str(error)
        fault = find_fault(draft.content)
        miss = None if fault else find_miss(description, draft.content)
        if miss:
            missed.append(WrittenTemplate(with_title(draft, description), miss))
        return fault or miss

    try:
        value, _ = ask_json(model, request, complaint)
    except InvalidAnswerError:
        if not missed:
            raise
        return missed[-1]
    return WrittenTemplate(with_title(parse_draft(value), description), None)


def request_from_prompts(
    given: Sequence[Source], *, allow_secrets: bool = False
) -> Request:
    """Return the request for one template that covers all sources.

    Raises InvalidInputError if the sources are too different, and PermissionDeniedError
    if one holds a likely secret.
    """
    for source in given:
        content = source.version.content
        refuse_secrets(source.prompt, content, source.text, allowed=allow_secrets)
    if len(given) > 1:
        refuse_unlike(align([source.text for source in given]))
    task = f"{_GENERALIZE}\n{_ONE}" if len(given) == 1 else _GENERALIZE
    texts = [source.text for source in given]
    prompts = "\n\n".join(
        f'<prompt number="{number}">\n{text}\n</prompt>'
        for number, text in enumerate(texts, 1)
    )
    messages = (Message(Role.SYSTEM, task), Message(Role.USER, prompts))
    return Request(
        messages,
        schema=_schema_for(len(given)),
        ceiling=ceiling_of(ANSWER_TOKENS + 2 * sum(map(estimate_tokens, texts))),
    )


def _schema_for(count: int) -> Schema:
    """Return the schema of an answer with the values of each of *count* prompts."""
    values = list_of(_VALUES, count, least=count)
    return Schema("generalized_prompt", strict_object(**_TEMPLATE, values=values))


def generalize_by_model(
    model: Model, request: Request, given: Sequence[Source]
) -> Generalized:
    """Return the template that *model* makes from the sources.

    *request* comes from `request_from_prompts`. The template is filled with the values
    of each source and compared with it. Raises UnavailableError if the second answer
    loses text of a source or is not a valid template, and what `Model.ask` raises.
    """

    def complaint(value: Mapping[str, Any]) -> str | None:
        try:
            _generalized(value, given)
        except InvalidInputError as error:
            return str(error)
        return None

    value, _ = ask_json(model, request, complaint)
    return _generalized(value, given)


def _generalized(value: Mapping[str, Any], given: Sequence[Source]) -> Generalized:
    """Return the template in an answer; raises InvalidInputError if it is invalid."""
    draft = parse_draft(value)
    if fault := find_fault(draft.content):
        raise InvalidInputError(fault)
    if len(draft.content.variables) > MOST_SLOTS:
        raise InvalidInputError(f"There are more than {MOST_SLOTS} variables.")
    rows = _rows(value["values"], draft.content, len(given))
    fillings = tuple(
        _filling(draft.content, row, source.text, number)
        for number, (row, source) in enumerate(zip(rows, given, strict=True), 1)
    )
    _refuse_empty_body(rows, given)
    return Generalized(draft, fillings, by_model=True)


def _rows(
    answered: Sequence[Mapping[str, Any]], content: Content, count: int
) -> list[dict[str, str]]:
    rows = {each["prompt"]: each["values"] for each in answered}
    if sorted(rows) != list(range(1, count + 1)) or len(answered) != count:
        raise InvalidInputError(f"Give the values of each prompt once, 1 to {count}.")
    names = {variable.name for variable in content.variables}
    found = []
    for number in sorted(rows):
        row = {each["name"]: each["value"] for each in rows[number]}
        if row.keys() != names or len(rows[number]) != len(names):
            raise InvalidInputError(
                f"Prompt {number} must have one value for each variable."
            )
        found.append(row)
    return found


def _filling(content: Content, row: dict[str, str], text: str, number: int) -> Filling:
    """Return how similar the filled template is to *text*.

    Raises InvalidInputError if it is too different, or lacks words of *text*.
    """
    rendered = fill_template(content, row)
    if rendered == text:
        return Filling(row)
    percent = measure_similarity(normalise(text), normalise(rendered))
    if percent < LEAST_SIMILARITY:
        raise InvalidInputError(
            f"Filled with its values, the body is {percent} % like prompt {number}; it"
            f" must be {LEAST_SIMILARITY} % at least."
        )
    lost = max(_lost_words(text, rendered), default=0)
    if lost > _MOST_LOST:
        raise InvalidInputError(
            f"Filled with its values, the body lacks {lost} words of prompt {number}."
        )
    return Filling(row, min(percent, 99), is_exact=False)


def _lost_words(text: str, rendered: str) -> list[int]:
    gaps = [part for part in align([text, rendered]) if isinstance(part, Gap)]
    return [
        count_words(ours) - count_words(theirs)
        for ours, theirs in (g.values for g in gaps)
    ]


def _refuse_empty_body(
    rows: Sequence[Mapping[str, str]], given: Sequence[Source]
) -> None:
    """Raise InvalidInputError if the values hold nearly all text of the sources."""
    values = sum(len(value) for row in rows for value in row.values())
    texts = sum(len(source.text) for source in given)
    if values > (1 - LEAST_SHARED / 2) * texts:
        raise InvalidInputError(
            "Nearly all of the prompts is in the values: what they share belongs into"
            " the body."
        )
