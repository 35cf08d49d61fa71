"""What an evaluation sends: each case made into a request, for one version or two."""

from collections.abc import Sequence
from typing import NamedTuple

from jinja2 import TemplateError

from promptvault.domain.chat import Request
from promptvault.domain.prompt import Prompt, Version
from promptvault.domain.revision import parse_revision
from promptvault.errors import InvalidInputError, NotFoundError, PromptVaultError
from promptvault.services.asking.run import RunOptions, prepare_run
from promptvault.services.asking.secret_check import refuse_secrets
from promptvault.services.evaluation.case import Case, Suite
from promptvault.services.evaluation.check import Failure
from promptvault.services.prompts.render import environment_for, variables_of
from promptvault.services.prompts.retrieval import content_loader, resolve
from promptvault.vault.reader import Reader


class EvaluationOptions(NamedTuple):
    """What is to be evaluated, and how."""

    reference: str
    """NAME or NAME@REV."""
    against: str | None = None
    """@REV of the version to compare with."""
    system: str | None = None
    """NAME or NAME@REV of the prompt that is the system message."""
    allow_secrets: bool = False


class VersionRequests(NamedTuple):
    """One version, and what it sends for each case."""

    version: Version
    requests: tuple[Request | Failure, ...]
    """In the order of the cases; a failure where the prompt cannot be filled in."""


class EvaluationPlan(NamedTuple):
    """All that an evaluation sends."""

    prompt: Prompt
    suite: Suite
    now: VersionRequests
    before: VersionRequests | None
    """The version to compare with."""
    system: Version | None

    @property
    def sides(self) -> tuple[VersionRequests, ...]:
        """The version evaluated, then the one it is compared with, if any."""
        return (self.now, self.before) if self.before else (self.now,)

    @property
    def requests(self) -> list[Request]:
        """Every request once; versions that send the same share it."""
        planned = (each for side in self.sides for each in side.requests)
        return list(dict.fromkeys(r for r in planned if isinstance(r, Request)))


def plan_evaluation(
    reader: Reader, suite: Suite, aim: EvaluationOptions
) -> EvaluationPlan:
    """Return what an evaluation would send, and send nothing.

    Each case is filled in as `run` would fill it in. Raises NotFoundError;
    InvalidInputError, for a variable that no version knows; PermissionDeniedError,
    where something seems to hold a secret.
    """
    prompt, version = resolve(reader, aim.reference)
    other = _other(reader, prompt, version, aim.against) if aim.against else None
    system = resolve(reader, aim.system) if aim.system else None
    criteria = "\n".join(text for case in suite.cases for text in case.criteria)
    refuse_secrets(prompt, version.content, criteria, allowed=aim.allow_secrets)
    shared = _variables(reader, *system) if system else frozenset()
    planner = _Planner(reader, prompt, aim, shared)
    versions = [version, other] if other else [version]
    known = [_variables(reader, prompt, each) for each in versions]
    planner.refuse_unknown(suite, known)
    now, *before = (
        planner.side(suite, each, names)
        for each, names in zip(versions, known, strict=True)
    )
    return EvaluationPlan(
        prompt, suite, now, next(iter(before), None), system and system[1]
    )


def _other(reader: Reader, prompt: Prompt, version: Version, against: str) -> Version:
    revision = parse_revision(against.removeprefix("@"))
    other = reader.version(prompt, revision)
    if other.number == version.number:
        raise InvalidInputError(
            f"{prompt.name}@{version.number} cannot be compared with itself; --against"
            " takes another version."
        )
    return other


_Names = frozenset[str] | None
"""Variables; None of a template that is broken, where nobody knows."""


def _variables(reader: Reader, prompt: Prompt, version: Version) -> _Names:
    content = version.content
    if not content.template:
        return frozenset()
    try:
        environment = environment_for(prompt.name, content, content_loader(reader))
        used = variables_of(environment, prompt.name)
    except (TemplateError, PromptVaultError):
        return None
    return used.union(variable.name for variable in content.variables)


class _Planner(NamedTuple):
    """Makes requests of cases."""

    reader: Reader
    prompt: Prompt
    aim: EvaluationOptions
    shared: _Names
    """Variables of the system message."""

    def refuse_unknown(self, suite: Suite, known: Sequence[_Names]) -> None:
        """Raise InvalidInputError for an input that neither version knows."""
        names: set[str] = set()
        for each in (self.shared, *known):
            if each is None:
                return
            names |= each
        for number, case in enumerate(suite.cases, 1):
            for name in case.inputs:
                if name not in names:
                    has = ", ".join(sorted(names)) or "none"
                    raise InvalidInputError(
                        f"Case {number} ({case.name}) gives {name!r}, but"
                        f" {self.prompt.name} has no such variable; it has {has}."
                    )

    def side(self, suite: Suite, version: Version, names: _Names) -> VersionRequests:
        """Return what *version*, which has the variables *names*, sends."""
        requests = (self._request(case, version, names) for case in suite.cases)
        return VersionRequests(version, tuple(requests))

    def _request(
        self, case: Case, version: Version, names: _Names
    ) -> Request | Failure:
        """Fill *version* in; inputs that only the other version knows are left out."""
        values = case.inputs
        if names is not None and self.shared is not None:
            kept = names | self.shared
            values = {key: text for key, text in values.items() if key in kept}
        order = RunOptions(
            f"{self.prompt.name}@{version.number}",
            values,
            self.aim.system,
            allow_secrets=self.aim.allow_secrets,
        )
        try:
            return prepare_run(self.reader, order, lambda: case.stdin).request
        except (InvalidInputError, NotFoundError) as error:
            return Failure("render", str(error))
