"""The requests of an evaluation: one for each case and version."""

from collections.abc import Sequence
from typing import NamedTuple

from jinja2 import TemplateError

from promptvault.domain.chat import Request
from promptvault.domain.prompt import Prompt, Version
from promptvault.domain.revision import parse_revision
from promptvault.errors import InvalidInputError, NotFoundError, PromptVaultError
from promptvault.services.asking.run import RunOptions, prepare_version
from promptvault.services.asking.secret_check import refuse_secrets
from promptvault.services.evaluation.case import Case, Suite
from promptvault.services.evaluation.check import Failure
from promptvault.services.prompts.render import environment_for, variables_of
from promptvault.services.prompts.retrieval import content_loader, resolve
from promptvault.vault.reader import Reader


class EvaluationOptions(NamedTuple):
    """Which version to evaluate, and how."""

    reference: str
    """NAME or NAME@REV."""
    against: str | None = None
    """@REV of the baseline, the version to compare with."""
    system: str | None = None
    """NAME or NAME@REV of the prompt to send as the system message."""
    allow_secrets: bool = False


class VersionRequests(NamedTuple):
    """One version, and its request for each case."""

    version: Version
    requests: tuple[Request | Failure, ...]
    """In the order of the cases; a failure if the prompt cannot be rendered."""


class EvaluationPlan(NamedTuple):
    """All requests of an evaluation."""

    prompt: Prompt
    suite: Suite
    current: VersionRequests
    """The version to evaluate."""
    baseline: VersionRequests | None
    """The version to compare with."""
    system: Version | None

    @property
    def versions(self) -> tuple[VersionRequests, ...]:
        """The evaluated version, then the baseline if there is one."""
        return (self.current, self.baseline) if self.baseline else (self.current,)

    @property
    def requests(self) -> list[Request]:
        """Every request once, even if both versions send it."""
        return distinct_requests(self.versions)


def distinct_requests(versions: Sequence[VersionRequests]) -> list[Request]:
    """Return every request once, even if several versions send it."""
    planned = (each for version in versions for each in version.requests)
    return list(dict.fromkeys(r for r in planned if isinstance(r, Request)))


def plan_evaluation(
    reader: Reader, suite: Suite, options: EvaluationOptions
) -> EvaluationPlan:
    """Return the requests of an evaluation; nothing is sent.

    Each case is rendered as `run` does it. Raises NotFoundError, InvalidInputError for
    an input that neither version has as a variable, and PermissionDeniedError for a
    likely secret.
    """
    prompt, version = resolve(reader, options.reference)
    other = (
        _baseline(reader, prompt, version, options.against) if options.against else None
    )
    versions = [version, other] if other else [version]
    current, *baseline = plan_versions(reader, suite, prompt, versions, options)
    system = resolve(reader, options.system)[1] if options.system else None
    return EvaluationPlan(prompt, suite, current, next(iter(baseline), None), system)


def plan_versions(
    reader: Reader,
    suite: Suite,
    prompt: Prompt,
    versions: Sequence[Version],
    options: EvaluationOptions,
) -> list[VersionRequests]:
    """Return the requests of *versions*, which need not be saved, for each case.

    Raises what `plan_evaluation` raises.
    """
    system = resolve(reader, options.system) if options.system else None
    criteria = "\n".join(text for case in suite.cases for text in case.criteria)
    refuse_secrets(prompt, versions[0].content, criteria, allowed=options.allow_secrets)
    shared = _variables(reader, *system) if system else frozenset()
    planner = _Planner(reader, prompt, options, shared)
    known = [_variables(reader, prompt, each) for each in versions]
    planner.refuse_unknown(suite, known)
    return [
        planner.requests(suite, each, names)
        for each, names in zip(versions, known, strict=True)
    ]


def _baseline(
    reader: Reader, prompt: Prompt, version: Version, against: str
) -> Version:
    revision = parse_revision(against.removeprefix("@"))
    other = reader.version(prompt, revision)
    if other.number == version.number:
        raise InvalidInputError(
            f"{prompt.name}@{version.number} cannot be compared with itself; --against"
            " takes another version."
        )
    return other


_Names = frozenset[str] | None
"""Names of variables; None for a broken template, whose variables are unknown."""


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
    """Renders cases into requests."""

    reader: Reader
    prompt: Prompt
    options: EvaluationOptions
    shared: _Names
    """Variables of the system message."""

    def refuse_unknown(self, suite: Suite, known: Sequence[_Names]) -> None:
        """Raise InvalidInputError for an input that no version has as a variable."""
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

    def requests(
        self, suite: Suite, version: Version, names: _Names
    ) -> VersionRequests:
        """Return the requests of *version*, which has the variables *names*."""
        requests = (self._request(case, version, names) for case in suite.cases)
        return VersionRequests(version, tuple(requests))

    def _request(
        self, case: Case, version: Version, names: _Names
    ) -> Request | Failure:
        """Render one case; inputs that only the other version has are left out."""
        values = case.inputs
        if names is not None and self.shared is not None:
            kept = names | self.shared
            values = {key: text for key, text in values.items() if key in kept}
        order = RunOptions(
            f"{self.prompt.name}@{version.number}",
            values,
            self.options.system,
            allow_secrets=self.options.allow_secrets,
        )
        try:
            return prepare_version(
                self.reader, self.prompt, version, order, lambda: case.stdin
            ).request
        except (InvalidInputError, NotFoundError) as error:
            return Failure("render", str(error))
