"""`template new` and `template from`: templates from descriptions or from prompts."""

from collections.abc import Sequence
from typing import Annotated

import typer

from promptvault.cli import completion, options, terminal
from promptvault.cli.asking import Asking, DryRun, asks_model
from promptvault.cli.context import open_reader
from promptvault.cli.model import open_model
from promptvault.cli.render.model import print_plan
from promptvault.cli.render.template import report_fillings, report_usage
from promptvault.cli.rows.template import source_rows
from promptvault.cli.template_proposal import (
    SaveOptions,
    TemplateProposal,
    asks_to_save,
    save_proposal,
    show_template,
)
from promptvault.cli.values import read_text
from promptvault.domain.chat import Request
from promptvault.domain.hosted import Task
from promptvault.domain.name import validate_name
from promptvault.errors import AlreadyExistsError, UnavailableError
from promptvault.services.asking.cost import Spent
from promptvault.services.asking.model import Model
from promptvault.services.templates.from_model import (
    generalize_by_model,
    generate_template,
    request_from_description,
    request_from_prompts,
)
from promptvault.services.templates.from_prompts import (
    Generalized,
    Source,
    find_free_name,
    generalize,
    generalize_by_rule,
    read_sources,
)

_TASK = Task.TEMPLATE

template = typer.Typer(
    no_args_is_help=True, help="Make templates, with or without a model."
)

Edit = Annotated[bool, typer.Option("--edit", help="Edit it before it is saved.")]
Yes = Annotated[
    bool,
    typer.Option("--yes", "-y", help="Save without asking, as without a terminal."),
]


@template.command("new")
@asks_model
def new(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            autocompletion=completion.folders,
            callback=options.in_one_vault,
            help="A new name, as 'mail/reply'.",
            show_default=False,
        ),
    ],
    description: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="TEXT",
            help="What it is for; '-' reads stdin, @FILE reads a file.",
            show_default=False,
        ),
    ],
    message: options.Message = None,
    edit: Edit = False,
    yes: Yes = False,
    *,
    asking: Asking,
    dry_run: DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Let a model write a template with declared variables, from a description.

    One without a variable, or without a word of the description, is shown; it is saved
    only if you say so on a terminal.
    """
    _refuse_taken(name)
    request = request_from_description(
        _text(description), allow_secrets=asking.allow_secrets
    )
    model = open_model("template new", asking, _TASK)
    if dry_run:
        return _plan(model, request, as_json=as_json)
    written = generate_template(model, request)
    note = message or f"Generate {name} from a description"
    proposal = TemplateProposal(
        name, written.draft, note, model.spent, {"model": model.answered}
    )
    save_options = SaveOptions(edit, yes, dry_run, as_json)
    show_template(proposal, save_options)
    if written.miss:
        _warn(written.miss, model, save_options)
    save_proposal(proposal, save_options)
    return None


def _warn(miss: str, model: Model, save_options: SaveOptions) -> None:
    """Warn that a template misses its description.

    Raises UnavailableError if the person is not asked before it is saved.
    """
    if save_options.edit or asks_to_save(save_options):
        terminal.note(f"Warning: {miss}")
        return
    raise UnavailableError(
        f"{model.answered} wrote no template that fits the description: {miss} Nothing"
        " was saved. Say what changes from use to use, or try another model."
    )


@template.command("from")
@asks_model
def from_(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME[@REV]...",
            autocompletion=completion.names,
            callback=options.in_one_vault,
            help="Similar prompts; with a single one, its constants become variables.",
            show_default=False,
        ),
    ],
    new_name: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="NEW",
            autocompletion=completion.folders,
            callback=options.in_one_vault,
            help="Its name; else a name is made from the shared words.",
        ),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Compare the texts; ask no model.")
    ] = False,
    message: options.Message = None,
    edit: Edit = False,
    yes: Yes = False,
    *,
    asking: Asking,
    dry_run: DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Make one template from similar prompts, which are not changed.

    For each prompt it shows the values that reproduce it.
    """
    given = _sources(names, new_name)
    save_options = SaveOptions(edit, yes, dry_run, as_json)
    model = None if offline else open_model("template from", asking, _TASK)
    if model is None or not _can_ask(model):
        made = generalize_by_rule(given)
        return _offer(
            made, given, _proposal(made, given, new_name, message), save_options
        )
    request = request_from_prompts(given, allow_secrets=asking.allow_secrets)
    if dry_run:
        return _plan(model, request, as_json=as_json)
    made = generalize(
        given,
        lambda: generalize_by_model(model, request, given),
        terminal.note,
    )
    proposal = _proposal(made, given, new_name, message)
    by = {"model": model.answered if made.by_model else None}
    proposal = proposal._replace(spent=model.spent, more=proposal.more | by)
    return _offer(made, given, proposal, save_options)


def _refuse_taken(name: str) -> None:
    """Raise AlreadyExistsError before anything is sent."""
    validate_name(name)
    with open_reader() as reader:
        if reader.find(name):
            raise AlreadyExistsError(f"There is a prompt {name!r} already.")


def _text(given: str) -> str:
    return terminal.read_stdin() if given == "-" else read_text(given)


def _plan(model: Model, request: Request, *, as_json: bool) -> None:
    estimate = model.estimate([request], request.expected_tokens)
    print_plan(model, [request], estimate, as_json=as_json)


def _sources(names: Sequence[str], new_name: str | None) -> tuple[Source, ...]:
    if new_name:
        _refuse_taken(new_name)
    with open_reader() as reader:
        return read_sources(reader, names)


def _can_ask(model: Model) -> bool:
    if not model.can_ask:
        terminal.note(
            "There is no key for a model, so the texts are compared by rules."
        )
    return model.can_ask


def _proposal(
    made: Generalized,
    given: Sequence[Source],
    new_name: str | None,
    message: str | None,
) -> TemplateProposal:
    with open_reader() as reader:
        name = new_name or find_free_name(reader, given, made.draft.title)
    count = len(given)
    of = f"{count} prompts" if count > 1 else given[0].prompt.name
    more = {
        "method": "model" if made.by_model else "rule",
        "model": None,
        "sources": source_rows(made, given),
    }
    note = message or f"Generalize {of} into {name}"
    return TemplateProposal(name, made.draft, note, Spent(), more)


def _offer(
    made: Generalized,
    given: Sequence[Source],
    proposal: TemplateProposal,
    save_options: SaveOptions,
) -> None:
    show_template(proposal, save_options)
    if not save_options.as_json:
        report_fillings(given, made.fillings)
    if save_proposal(proposal, save_options) and not save_options.as_json:
        report_usage(proposal.name, made.fillings[0].values)
