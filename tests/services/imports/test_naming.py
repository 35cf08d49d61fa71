"""From candidates to prompts: which are selected, and that no name shows a secret."""

from datetime import UTC, datetime, timedelta

import pytest

from promptvault.errors import InvalidInputError
from promptvault.importers import Candidate, CandidateKind, Draft
from promptvault.services.imports.naming import PromptBuilder
from promptvault.services.imports.report import ImportOptions, Take
from tests.conftest import NOON

OTHER = "another kind of text"
KEY = "ghp_" + "a1B2" * 9
PROMPT = Candidate((Draft("Do it.", NOON, "m"),), opening=True, conversation_id="c")
COMMAND = PROMPT._replace(kind=CandidateKind.COMMAND, opening=False)
INSTRUCTIONS = Candidate((Draft("Be kind."),), CandidateKind.INSTRUCTIONS)


@pytest.mark.parametrize(
    ("candidate", "options", "reason"),
    [
        (PROMPT, ImportOptions(), None),
        (PROMPT, ImportOptions(take=Take.SYSTEM), "no instructions"),
        (PROMPT._replace(opening=False), ImportOptions(), "later turn"),
        (PROMPT._replace(opening=False), ImportOptions(take=Take.ALL), None),
        (PROMPT, ImportOptions(since=NOON + timedelta(1)), "before the date"),
        (PROMPT, ImportOptions(min_chars=7), "too short"),
        (INSTRUCTIONS, ImportOptions(take=Take.SYSTEM), None),
        (Candidate((Draft("Do it."),)), ImportOptions(since=NOON), None),
        (COMMAND, ImportOptions(), "slash command"),
        (COMMAND, ImportOptions(take=Take.ALL), None),
        (COMMAND, ImportOptions(take=Take.SYSTEM), "no instructions"),
        (COMMAND, ImportOptions(only=frozenset({CandidateKind.COMMAND})), None),
        (PROMPT, ImportOptions(only=frozenset({CandidateKind.COMMAND})), OTHER),
        (INSTRUCTIONS, ImportOptions(only=frozenset({CandidateKind.PROMPT})), OTHER),
    ],
)
def test_options_select(
    candidate: Candidate, options: ImportOptions, reason: str | None
) -> None:
    assert PromptBuilder(options, NOON).skip_reason(candidate) == reason


def test_a_secret_is_redacted_wherever_it_is_shown_without_the_text() -> None:
    candidate = Candidate(
        (Draft(f"Use {KEY}", message_id=KEY),),
        title=f"With {KEY}",
        name=f"work/{KEY}",
        description=f"For {KEY}",
        tags=(KEY, "kept"),
    )
    prompt = PromptBuilder(ImportOptions(), NOON).from_candidate("pet", candidate)
    (version,) = prompt.versions
    assert version.content.body == f"Use {KEY}"
    assert prompt.tags == ("kept",)
    assert KEY.lower() not in str(prompt._replace(versions=())).lower()
    assert KEY not in str(version.origin)


def test_a_secret_in_the_title_of_a_conversation_is_redacted() -> None:
    chat = PROMPT._replace(conversation_title=f"About {KEY}")
    for take in (Take.FIRST, Take.ALL):
        builder = PromptBuilder(ImportOptions(take=take), NOON)
        prompt = builder.from_candidate("chat", chat)
        assert KEY.lower() not in str(prompt).lower()
        assert prompt.current.origin
        assert prompt.current.origin.message_id == "m"


def test_a_command_has_the_name_of_its_own_text() -> None:
    candidate = COMMAND._replace(
        drafts=(Draft("/review-pr 42 be strict", NOON),), conversation_title="Talk"
    )
    for take in (Take.FIRST, Take.ALL):
        builder = PromptBuilder(ImportOptions(take=take), NOON)
        prompt = builder.from_candidate("chat", candidate)
        assert prompt.name == "chat/talk/review-pr-42-be-strict"
        assert prompt.title == "/review-pr 42 be strict"


def test_an_id_without_a_secret_stays() -> None:
    candidate = Candidate((Draft("Do it.", message_id="title"),), name="title")
    prompt = PromptBuilder(ImportOptions(), NOON).from_candidate("pet", candidate)
    assert prompt.current.origin
    assert prompt.current.origin.message_id == "title"
    assert prompt.name == "pet/title"


def test_nothing_is_younger_than_the_import() -> None:
    future = datetime(2999, 1, 1, tzinfo=UTC)
    candidate = PROMPT._replace(drafts=(Draft("Do it.", future),))
    prompt = PromptBuilder(ImportOptions(), NOON).from_candidate("chat", candidate)
    assert prompt.current.created_at == NOON


@pytest.mark.parametrize(
    "options",
    [
        ImportOptions(folder="a" * 61),
        ImportOptions(tags=("a b",)),
        ImportOptions(take=Take.SYSTEM, only=frozenset({CandidateKind.PROMPT})),
    ],
)
def test_options_that_make_no_sense_are_refused(options: ImportOptions) -> None:
    with pytest.raises(InvalidInputError):
        PromptBuilder(options, NOON)
