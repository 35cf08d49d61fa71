"""The rows of `sync --json` and `conflicts --json`."""

from typing import TYPE_CHECKING, Any

from promptvault.cli.rows.prompts import (
    error_row,
    prompt_row,
    time_row,
    variable_row,
    version_row,
)

if TYPE_CHECKING:
    from promptvault.services.sync.conflict import Conflict, ConflictSide, Device
    from promptvault.services.sync.device_sync import DeviceReport, VaultOutcome
    from promptvault.services.sync.last_sync import LastSync
    from promptvault.services.sync.resolve import Resolution
    from promptvault.services.sync.rounds import SyncReport
    from promptvault.vault.sync.status import SyncStatus


def report_row(report: "SyncReport") -> dict[str, Any]:
    """Return a sync report."""
    counts = report.counts
    return {
        "pushed": counts.pushed,
        "pulled": counts.pulled,
        "merged": counts.merged,
        "deleted": counts.deleted,
        "restored_on_server": counts.restored,
        "settled": counts.resolved,
        **_status_row(report.status),
        "new_conflicts": counts.conflicts,
        "round_trips": report.round_trips,
    }


def device_row(report: "DeviceReport") -> dict[str, Any]:
    """Return the report of all vaults: sums, and a row of each."""
    return report_row(report) | {"vaults": [*map(_vault_row, report.vaults)]}


def _vault_row(outcome: "VaultOutcome") -> dict[str, Any]:
    counts, status = outcome.report.counts, outcome.report.status
    return {
        "name": outcome.name,
        "pushed": counts.pushed,
        "received": counts.pulled,
        "merged": counts.merged,
        "conflicts": status.conflicts,
        "held_back": status.held_back,
        "saved": outcome.saved,
        "state": outcome.state,
        "error": error_row(outcome.error) if outcome.error else None,
    }


def status_row(
    status: "SyncStatus", server: str, is_signed_in: bool, last: "LastSync"
) -> dict[str, Any]:
    """Return the sync status."""
    return {
        "server": server or None,
        "signed_in": is_signed_in,
        "linked": status.link is not None,
        **_status_row(status),
        **({} if status.link else {"to_send": None}),  # everything, if anything
        "last_synced_at": time_row(last.succeeded_at),
        "last_problem": last.problem or None,
        "last_problem_at": time_row(last.failed_at),
    }


def _status_row(status: "SyncStatus") -> dict[str, Any]:
    link = status.link
    return {
        "to_send": status.to_send,
        "conflicts": status.conflicts,
        "held_back": status.held_back,
        "held_back_for": {hold.value: n for hold, n in status.held.items()},
        "secrets_in": list(status.secret_fields),
        "prompt_limit": link.prompt_limit if link else None,
        "prompt_count": link.prompt_count if link else None,
        "storage_limit": link.storage_limit if link else None,
        "storage_used": link.storage_used if link else None,
        "cursor": link.seq if link else None,
    }


def conflict_row(conflict: "Conflict") -> dict[str, Any]:
    """Return a conflict for `conflicts list --json`."""
    return {
        "id": conflict.prompt.id,
        "name": conflict.prompt.name,
        "trashed": conflict.is_trashed,
        "differs": conflict.differences,
        "current": "theirs" if conflict.copy.mine else "ours",
        "waiting": conflict.more,
        "ours": _side_row(conflict.ours) | _device_row(conflict.ours_by),
        "theirs": _side_row(conflict.theirs) | _device_row(conflict.theirs_by),
    }


def sides_row(conflict: "Conflict") -> dict[str, Any]:
    """Return a conflict with its texts, for `conflicts show --json`."""
    row = conflict_row(conflict)
    row["ours"] |= _text_row(conflict.ours)
    row["theirs"] |= _text_row(conflict.theirs)
    base = conflict.base
    row["base"] = _side_row(base) | _text_row(base) if base else None
    return row


def _side_row(side: "ConflictSide") -> dict[str, Any]:
    details = side.details
    return version_row(side.version) | {
        "name": side.name,
        "title": details.title,
        "description": details.description,
        "tags": list(details.tags),
        "favourite": details.favourite,
        "sensitive_allowed": details.secrets_allowed,
        "labels": dict(side.labels),
    }


def _device_row(device: "Device") -> dict[str, Any]:
    return {"device": device.name, "this_device": device.is_this}


def _text_row(side: "ConflictSide") -> dict[str, Any]:
    content = side.version.content
    return {
        "body": content.body,
        "template": content.template,
        "variables": [variable_row(each) for each in content.variables],
    }


def resolution_row(resolution: "Resolution") -> dict[str, Any]:
    """Return the prompt of a resolved conflict."""
    return prompt_row(resolution.prompt) | {
        "changed": resolution.is_changed,
        "kept": list(resolution.kept),
        "waiting": resolution.more,
    }
