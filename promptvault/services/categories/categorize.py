"""`categorize`: select prompts, propose categories, apply the proposals."""

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
from promptvault.services.asking.access import NoModelError
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
"""Called with the number of prompts processed since the last call."""

_MADE_TITLE = 80
"""Characters of the text that an import uses as the title if there is no other."""


class PromptScope(NamedTuple):
    """Which prompts to categorize: by one of these fields, or all prompts."""

    names: tuple[str, ...] = ()
    import_id: str | None = None
    folder: str | None = None


class SelectedPrompts(NamedTuple):
    """The prompts to categorize."""

    items: list[CategoryItem]
    skipped: int
    """Number of prompts that have a folder, a title and tags, and were not named."""


@dataclass(frozen=True, slots=True)
class CategorizeOptions:
    """How to make proposals."""

    model: Model | None
    """None to use the rules alone."""
    allow_secrets: bool = False


class Proposals(NamedTuple):
    """The proposals, and how they were made."""

    changes: list[CategoryProposal]
    considered: int
    by_model: int
    """Number of prompts that the model answered, including those left unchanged."""
    by_rule: int
    held_back: int
    """Number of prompts that were not sent, because of a likely secret."""
    reason: str
    """Why the model was not asked, or not for all prompts; '' if it was."""


class AppliedProposals(NamedTuple):
    """The result of applying proposals."""

    prompts: list[Prompt]
    """The changed prompts, as they are now."""
    skipped: int
    """Number of prompts that had changed since the proposal; they are left alone."""


def select_prompts(
    reader: Reader, scope: PromptScope, only: frozenset[Aspect] = EVERYTHING
) -> SelectedPrompts:
    """Return the prompts to categorize; raises NotFoundError.

    For prompts that are named, everything in *only* may change. Other prompts keep a
    folder that a person chose, and a title that was not made from their text.
    """
    sources, included = imported_sources(reader), included_names(reader)
    items, skipped = [], 0
    for excerpt in _excerpts(reader, scope):
        stays = excerpt.prompt.name in included or not _is_unsorted(excerpt, sources)
        open_ = _open(excerpt, stays=stays and not scope.names) & only
        if open_ - {Aspect.TAGS} or (open_ and not excerpt.prompt.tags) or scope.names:
            items.append(CategoryItem(excerpt.prompt, excerpt.start, open_))
        else:
            skipped += 1
    return SelectedPrompts(items, skipped)


def _excerpts(reader: Reader, scope: PromptScope) -> Iterator[PromptExcerpt]:
    selection = Selection(folder=scope.folder)
    if scope.names:
        names = tuple(reader.get(name).name for name in scope.names)
        selection = Selection(names=names)
    elif scope.import_id:
        brought = log.imported_names(reader, log.find_import(reader, scope.import_id))
        if not brought:
            return
        selection = Selection(names=tuple(brought))
    yield from read_excerpts(reader, selection, TEXT_LENGTH)


def _open(excerpt: PromptExcerpt, *, stays: bool) -> frozenset[Aspect]:
    found = {Aspect.TAGS}
    if not stays:
        found.add(Aspect.FOLDER)
    if _is_untitled(excerpt):
        found.add(Aspect.TITLE)
    return frozenset(found)


def _is_unsorted(excerpt: PromptExcerpt, sources: frozenset[str]) -> bool:
    """Return True if a prompt has no folder, or still the one from its import."""
    prompt, time = excerpt.prompt, excerpt.imported_at
    is_as_imported = time is not None and prompt.updated_at <= time
    if prompt.labels and not is_as_imported:
        return False  # scripts may use its name
    if not prompt.folder or prompt.folder == prompt.source in sources:
        return True
    # A deeper folder may be the title of the chat, or one that a person made.
    return is_as_imported and prompt.name.startswith(f"{prompt.source}/")


def _is_untitled(excerpt: PromptExcerpt) -> bool:
    """Return True if a prompt has no title, or one that was made from its text."""
    title = excerpt.prompt.title
    if not title or excerpt.prompt.source == LOCAL_SOURCE:
        return not title
    line = clean_line(excerpt.start[: 2 * _MADE_TITLE])
    return line.startswith(title.removesuffix("…"))


def read_vocabulary(reader: Reader) -> CategoryVocabulary:
    """Return the folders and tags of the vault, the most used first."""
    sources = imported_sources(reader)
    folders = folders_by_use(reader)
    own = (f for f in folders if f.partition("/")[0] not in sources)
    return CategoryVocabulary(tuple(own), tuple(tags_by_use(reader)), sources)


def plan_requests(
    reader: Reader, items: Sequence[CategoryItem], options: CategorizeOptions
) -> list[Request]:
    """Return the requests for *items*; nothing is sent."""
    vocabulary = read_vocabulary(reader)
    sent = [item for item in items if _may_be_sent(item, options)]
    return [build_request(batch, vocabulary) for batch in split_batches(sent)]


def estimate_answer_tokens(
    items: Sequence[CategoryItem], plan: Sequence[Request]
) -> int:
    """Return the estimated tokens of the answer to each request of *plan*."""
    return ANSWER_TOKENS * len(items) // max(1, len(plan))


def make_proposals(
    reader: Reader,
    items: Sequence[CategoryItem],
    options: CategorizeOptions,
    on_done: Progress = lambda _: None,
) -> Proposals:
    """Return the proposals of the model for *items*, or of the rules if it is down.

    Nothing is changed. Raises AuthenticationError, PermissionDeniedError, NotFoundError
    and InvalidInputError if the model is not configured correctly.
    """
    vocabulary = read_vocabulary(reader)
    sent = [item for item in items if _may_be_sent(item, options)]
    asking = _Asking(options.model, vocabulary, on_done)
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
        held_back=len(items) - len(sent) if options.model else 0,
        reason=asking.reason,
    )


def _may_be_sent(item: CategoryItem, options: CategorizeOptions) -> bool:
    content = Content(item.text)
    try:
        refuse_secrets(
            item.prompt, content, item.excerpt, allowed=options.allow_secrets
        )
    except PermissionDeniedError:
        return False
    return True


class _Asking:
    """Asks a model about many prompts; stops after the first failure."""

    def __init__(
        self, model: Model | None, vocabulary: CategoryVocabulary, on_done: Progress
    ) -> None:
        self.reason = ""
        self._model = model
        self._vocabulary = vocabulary
        self._on_done = on_done

    def ask(self, items: Sequence[CategoryItem]) -> dict[str, CategorySuggestion]:
        """Return the suggestions of the model, by prompt id."""
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
        except NoModelError as error:
            self.reason = self.reason or error.reason
            return {}
        except (UnavailableError, RateLimitedError) as error:
            self.reason = self.reason or str(error)
            return {}


def apply_proposals(
    workspace: Workspace,
    changes: Sequence[CategoryProposal],
    *,
    keep_time: bool = False,
) -> AppliedProposals:
    """Make the proposed changes in one commit.

    With *keep_time* they count as part of the import that added the prompts: undoing
    the import reverts them as well.
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
    before, found = change.prompt, reader.find(change.prompt.name)
    if found is None:
        return False
    return (found.id, found.details) == (before.id, before.details)


def _free(change: CategoryProposal, names: FreeNames) -> str:
    if change.name == change.prompt.name:
        return change.name
    return names.take(change.name)
