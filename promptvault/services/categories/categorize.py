"""Categorising: which prompts, what a model or the rules propose, and applying it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from promptvault.domain.chat import Request
from promptvault.domain.prompt import LOCAL_SOURCE, Content, Prompt, clean_line
from promptvault.errors import (
    PermissionDeniedError,
    RateLimitedError,
    UnavailableError,
)
from promptvault.services.asking.model import Model
from promptvault.services.asking.secret_check import refuse_secrets
from promptvault.services.categories.proposal import (
    TEXT_LENGTH,
    Aspect,
    CategoryItem,
    CategoryProposal,
    CategorySuggestion,
    CategoryVocabulary,
    FreeNames,
    Proposer,
    make_proposal,
)
from promptvault.services.categories.request import (
    ANSWER_TOKENS,
    ask_suggestions,
    build_request,
    split_batches,
)
from promptvault.services.categories.rules import suggest_by_rules
from promptvault.services.imports import log
from promptvault.services.prompts.transaction import prompt_transaction
from promptvault.services.workspace import Workspace
from promptvault.vault.folders import (
    PromptExcerpt,
    folders_by_use,
    imported_sources,
    included_names,
    read_excerpts,
    tags_by_use,
)
from promptvault.vault.reader import Reader, Selection

EVERYTHING = frozenset(Aspect)
Progress = Callable[[int], None]
"""Told how many more prompts a model has been asked about."""

_MADE_TITLE = 80
"""Characters of a text that an import makes a title of, where there is no other."""


class PromptScope(NamedTuple):
    """Which prompts to categorise, by one of these; all, where none is given."""

    names: tuple[str, ...] = ()
    import_id: str | None = None
    folder: str | None = None


class SelectedPrompts(NamedTuple):
    """What is to be categorised."""

    items: list[CategoryItem]
    passed: int
    """Prompts that have a place, a title and tags, and were not asked for by name."""


@dataclass(frozen=True, slots=True)
class CategorizeOptions:
    """How proposals are made."""

    model: Model | None
    """None for the rules alone."""
    allow_secrets: bool = False


class Proposals(NamedTuple):
    """What is proposed, and how that came about."""

    changes: list[CategoryProposal]
    considered: int
    by_model: int
    """Prompts that the model said something about, whether it changes them or not."""
    by_rule: int
    held_back: int
    """Prompts that were not sent, as they seem to hold secrets."""
    reason: str
    """Why the model was not asked, or no further; '' where it was."""


class AppliedProposals(NamedTuple):
    """What became of proposals."""

    prompts: list[Prompt]
    """Those changed, as they are now."""
    skipped: int
    """Those that somebody else changed in the meantime; they stay as they are."""


def select_prompts(
    reader: Reader, wanted: PromptScope, only: frozenset[Aspect] = EVERYTHING
) -> SelectedPrompts:
    """Return the prompts to categorise; raises NotFoundError.

    Prompts that are named are open for all of *only*. Of the others, those that a
    person has filed keep their folder, and those with a title of their own keep it.
    """
    sources, included = imported_sources(reader), included_names(reader)
    items, passed = [], 0
    for placed in _placed(reader, wanted):
        stays = placed.prompt.name in included or not _is_unsorted(placed, sources)
        open_ = _open(placed, stays=stays and not wanted.names) & only
        if open_ - {Aspect.TAGS} or (open_ and not placed.prompt.tags) or wanted.names:
            items.append(CategoryItem(placed.prompt, placed.start, open_))
        else:
            passed += 1
    return SelectedPrompts(items, passed)


def _placed(reader: Reader, wanted: PromptScope) -> Iterator[PromptExcerpt]:
    selection = Selection(folder=wanted.folder)
    if wanted.names:
        names = tuple(reader.get(name).name for name in wanted.names)
        selection = Selection(names=names)
    elif wanted.import_id:
        brought = log.brought(reader, log.entry(reader, wanted.import_id))
        if not brought:
            return
        selection = Selection(names=tuple(brought))
    yield from read_excerpts(reader, selection, TEXT_LENGTH)


def _open(placed: PromptExcerpt, *, stays: bool) -> frozenset[Aspect]:
    found = {Aspect.TAGS}
    if not stays:
        found.add(Aspect.FOLDER)
    if _is_untitled(placed):
        found.add(Aspect.TITLE)
    return frozenset(found)


def _is_unsorted(placed: PromptExcerpt, sources: frozenset[str]) -> bool:
    """Whether a prompt lies at the top, or still where an import put it."""
    prompt, time = placed.prompt, placed.imported_at
    is_as_imported = time is not None and prompt.updated_at <= time
    if prompt.labels and not is_as_imported:
        return False  # somebody manages it, and may call it by its name
    if not prompt.folder or prompt.folder == prompt.source in sources:
        return True
    # A folder further down may be the chat's title, or one that a person made.
    return is_as_imported and prompt.name.startswith(f"{prompt.source}/")


def _is_untitled(placed: PromptExcerpt) -> bool:
    """Whether a prompt has no title, or one that an import made of its text."""
    title = placed.prompt.title
    if not title or placed.prompt.source == LOCAL_SOURCE:
        return not title
    line = clean_line(placed.start[: 2 * _MADE_TITLE])
    return line.startswith(title.removesuffix("…"))


def read_vocabulary(reader: Reader) -> CategoryVocabulary:
    """Return the folders and tags that the vault has, the most used first."""
    sources = imported_sources(reader)
    folders = folders_by_use(reader)
    own = (f for f in folders if f.partition("/")[0] not in sources)
    return CategoryVocabulary(tuple(own), tuple(tags_by_use(reader)), sources)


def plan_requests(
    reader: Reader, items: Sequence[CategoryItem], means: CategorizeOptions
) -> list[Request]:
    """Return what would be sent for *items*."""
    vocabulary = read_vocabulary(reader)
    sent = [item for item in items if _may_be_sent(item, means)]
    return [build_request(batch, vocabulary) for batch in split_batches(sent)]


def estimate_answer_tokens(
    items: Sequence[CategoryItem], plan: Sequence[Request]
) -> int:
    """Return about how many tokens each answer to the requests of *plan* has."""
    return ANSWER_TOKENS * len(items) // max(1, len(plan))


def make_proposals(
    reader: Reader,
    items: Sequence[CategoryItem],
    means: CategorizeOptions,
    on_done: Progress = lambda _: None,
) -> Proposals:
    """Return what the model proposes for *items*, or the rules where it cannot.

    Nothing is changed. Raises what says that the model is not set up right:
    AuthenticationError, PermissionDeniedError, NotFoundError, InvalidInputError.
    """
    vocabulary = read_vocabulary(reader)
    sent = [item for item in items if _may_be_sent(item, means)]
    asking = _Asking(means.model, vocabulary, on_done)
    found = asking.ask(sent)
    left = [item for item in items if item.prompt.id not in found]
    ruled = suggest_by_rules(reader, left, vocabulary) if left else []
    by_rule = {i.prompt.id: s for i, s in zip(left, ruled, strict=True)}
    names = FreeNames(reader.names(Selection()))
    changes = [
        make_proposal(item, found[id_], Proposer.MODEL, vocabulary, names)
        if (id_ := item.prompt.id) in found
        else make_proposal(item, by_rule[id_], Proposer.RULE, vocabulary, names)
        for item in items
    ]
    return Proposals(
        changes=[change for change in changes if change],
        considered=len(items),
        by_model=len(found),
        by_rule=len(left),
        held_back=len(items) - len(sent) if means.model else 0,
        reason=asking.reason,
    )


def _may_be_sent(item: CategoryItem, means: CategorizeOptions) -> bool:
    content = Content(item.text)
    try:
        refuse_secrets(item.prompt, content, item.excerpt, allowed=means.allow_secrets)
    except PermissionDeniedError:
        return False
    return True


class _Asking:
    """A model being asked about many prompts, until it cannot be asked further."""

    def __init__(
        self, model: Model | None, vocabulary: CategoryVocabulary, on_done: Progress
    ) -> None:
        self.reason = ""
        self._model = model
        self._vocabulary = vocabulary
        self._on_done = on_done

    def ask(self, items: Sequence[CategoryItem]) -> dict[str, CategorySuggestion]:
        """Return what the model suggests, by the prompts' ids."""
        model = self._model
        if model is None:
            self.reason = "as asked for"
            return {}
        if not model.can_ask:
            host = model.endpoints[0].host
            self.reason = f"there is no key for {host} (set OPENAI_API_KEY)"
            return {}
        found: dict[str, CategorySuggestion] = {}
        batches = list(split_batches(items))
        for batch, answer in zip(
            batches, model.each(lambda b: self._ask(model, b), batches), strict=True
        ):
            found |= {batch[n].prompt.id: each for n, each in answer.items()}
            self._on_done(len(batch))
        return found

    def _ask(
        self, model: Model, batch: Sequence[CategoryItem]
    ) -> dict[int, CategorySuggestion]:
        if self.reason:
            return {}
        try:
            return ask_suggestions(model, batch, self._vocabulary)
        except (UnavailableError, RateLimitedError) as error:
            self.reason = self.reason or str(error)
            return {}


def apply_proposals(
    workspace: Workspace,
    changes: Sequence[CategoryProposal],
    *,
    keep_time: bool = False,
) -> AppliedProposals:
    """Make the changes proposed, all in one commit.

    With *keep_time* they are a part of the import that brought the prompts, so that
    undoing it takes them back, too.
    """
    with prompt_transaction(workspace) as repository:
        reader = repository.reader
        fresh = [c for c in changes if _is_as_proposed(reader, c)]
        if fresh:
            names = FreeNames(reader.names(Selection()))
            moves = [(c.prompt, _free(c, names), c.details) for c in fresh]
            what = f"{len(fresh)} prompts" if len(fresh) > 1 else fresh[0].prompt.name
            prompts = repository.describe(
                moves, f"Categorize {what}", keep_time=keep_time
            )
        else:
            prompts = []
    return AppliedProposals(prompts, len(changes) - len(fresh))


def _is_as_proposed(reader: Reader, change: CategoryProposal) -> bool:
    then, found = change.prompt, reader.find(change.prompt.name)
    if found is None:
        return False
    return (found.id, found.details) == (then.id, then.details)


def _free(change: CategoryProposal, names: FreeNames) -> str:
    if change.name == change.prompt.name:
        return change.name
    return names.take(change.name)
