"""JSON rows of prompts, versions, hits and imports.

Rows are dictionaries with stable keys and plain values. Scripts rely on them.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from promptvault.domain.prompt import Origin, Prompt, PromptRecord, Version
from promptvault.domain.timestamp import to_text
from promptvault.domain.variable import Variable
from promptvault.errors import PromptVaultError
from promptvault.services.prompts.diff import Difference
from promptvault.services.prompts.outcome import Saved
from promptvault.services.prompts.retrieval import ResolvedPrompt
from promptvault.vault.search import Hit

if TYPE_CHECKING:
    from promptvault.services.imports.discover import DiscoveredSource
    from promptvault.services.imports.log import ImportRecord
    from promptvault.services.prompts.redact import PromptSecrets
    from promptvault.services.similar.groups import Group

Row = dict[str, Any]


def time_row(time: datetime | None) -> str | None:
    """Return a time as RFC 3339 text in UTC, None for None."""
    return to_text(time) if time else None


def prompt_row(prompt: Prompt) -> Row:
    """Return a prompt as `list --json` prints it."""
    return {
        "id": prompt.id,
        "name": prompt.name,
        "title": prompt.title,
        "description": prompt.description,
        "folder": prompt.folder,
        "tags": list(prompt.tags),
        "favourite": prompt.favourite,
        "template": prompt.template,
        "source": prompt.source,
        "version": prompt.version,
        "versions": prompt.versions,
        "labels": prompt.labels,
        "created_at": time_row(prompt.created_at),
        "updated_at": time_row(prompt.updated_at),
        "used_at": time_row(prompt.used_at),
        "uses": prompt.uses,
        "sensitive": list(prompt.secrets),
        "held_back": prompt.held_back_for is not None,
        "held_back_for": prompt.held_back_for,
        "conflict": prompt.in_conflict,
    }


def trash_row(prompt: Prompt) -> Row:
    """Return a prompt as `trash list --json` prints it."""
    return prompt_row(prompt) | {"deleted_at": time_row(prompt.deleted_at)}


def version_row(version: Version) -> Row:
    """Return a version without its text."""
    return {
        "id": version.id,
        "version": version.number,
        "created_at": time_row(version.created_at),
        "author": version.author._asdict(),
        "message": version.message,
        "commit": version.commit,
    }


def log_row(prompt: Prompt, version: Version) -> Row:
    """Return a version as `log --json` prints it."""
    return version_row(version) | {"current": version.id == prompt.version_id}


def variable_row(variable: Variable) -> Row:
    """Return a template variable as `show --json` prints it."""
    return variable._asdict() | {
        "choices": list(variable.choices),
        "type": variable.type.value,
    }


def origin_row(origin: Origin) -> Row:
    """Return an origin as `show --json` prints it."""
    return origin._asdict() | {"created_at": time_row(origin.created_at)}


def details_row(details: ResolvedPrompt) -> Row:
    """Return a prompt as `show --json` prints it."""
    version = details.version
    origins = [origin_row(origin) for origin in details.origins]
    return prompt_row(details.prompt) | {
        "version": version.number,
        "template": version.content.template,
        "body": version.body,
        "variables": [variable_row(v) for v in details.variables],
        "origin": origins[0] if origins else None,
        "origins": origins,
        "commit": version.commit,
        "message": version.message,
        "author": version.author._asdict(),
    }


def saved_row(saved: Saved) -> Row:
    """Return a prompt after a change, with the outcome."""
    return prompt_row(saved.prompt) | {"outcome": saved.outcome.value}


def holding_row(holding: "PromptSecrets") -> Row:
    """Return a prompt with secrets as `scan --json` prints it."""
    return prompt_row(holding.prompt) | {
        "places": [secret._asdict() for secret in holding.secrets],
        "fields": [{"field": field, "type": kind} for field, kind in holding.fields],
        "sensitive_versions": list(holding.versions),
    }


def import_row(entry: "ImportRecord") -> Row:
    """Return an import as `imports list --json` prints it."""
    return entry.report | {
        "id": entry.id,
        "created_at": time_row(entry.created_at),
        "undone_at": time_row(entry.undone_at),
        "paths": list(entry.paths),
        "options": entry.options,
    }


def found_row(found: "DiscoveredSource") -> Row:
    """Return a place with prompts as `import --discover --json` prints it."""
    return {
        "source": found.source,
        "title": found.title,
        "path": str(found.path),
        "targets": [str(target) for target in found.targets],
        "files": found.files,
        "files_are_all": found.is_whole,
        "size": found.size,
        "modified_at": time_row(found.modified_at),
        "imported_at": time_row(found.imported_at),
        "changed": found.is_changed,
    }


def hit_row(hit: Hit) -> Row:
    """Return a hit as `search --json` prints it."""
    return prompt_row(hit.prompt) | {"snippet": hit.plain_snippet, "score": hit.score}


def group_row(group: "Group") -> Row:
    """Return a group of similar prompts as `list --similar --json` prints it."""
    prompts = [
        prompt_row(alike.prompt) | {"similarity": alike.similarity}
        for alike in group.members
    ]
    return {"similarity": group.similarity, "prompts": prompts}


def error_row(error: PromptVaultError) -> Row:
    """Return why a command failed in one of several vaults."""
    return {"code": error.code, "message": str(error)}


def record_row(record: PromptRecord) -> Row:
    """Return a prompt with all versions, as `export --format json` writes it."""
    versions = [
        version_row(version)
        | {
            "body": version.body,
            "template": version.content.template,
            "variables": [variable_row(v) for v in version.content.variables],
        }
        for version in record.versions
    ]
    return prompt_row(record.prompt) | {
        "sensitive_allowed": record.prompt.secrets_allowed,
        "body": record.current.body,
        "variables": [variable_row(v) for v in record.current.content.variables],
        "origins": [origin_row(origin) for origin in record.origins],
        "history": versions,
    }


def difference_row(difference: Difference) -> Row:
    """Return a comparison as `diff --json` prints it."""
    sides = {"old": difference.old, "new": difference.new}
    return {
        side: {"name": prompt.name, **version_row(version)}
        for side, (prompt, version) in sides.items()
    } | {"diff": "".join(f"{line}\n" for line in difference.lines)}
