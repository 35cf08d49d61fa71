"""What sync did and where it stands, and conflicts, as `--json` has them."""

from typing import TYPE_CHECKING, Any

from promptvault.cli.rows.prompts import prompt_row, time_row, variable_row, version_row

if TYPE_CHECKING:
    from promptvault.services.sync.conflict import Conflict, Device, Wording
    from promptvault.services.sync.resolve import Settled
    from promptvault.services.sync.rounds import SyncReport
    from promptvault.services.sync.sync_record import LastSync
    from promptvault.vault.sync.status import Standing


def report_row(report: "SyncReport") -> dict[str, Any]:
    """Return what a sync did, and what is left."""
    taken = report.taken
    return {
        "pushed": taken.pushed,
        "pulled": taken.pulled,
        "merged": taken.merged,
        "deleted": taken.deleted,
        "restored_on_server": taken.restored,
        "settled": taken.settled,
        **_standing_row(report.standing),
        "new_conflicts": taken.conflicts,
        "round_trips": report.round_trips,
    }


def status_row(
    standing: "Standing", server: str, is_signed_in: bool, last: "LastSync"
) -> dict[str, Any]:
    """Return where the vault stands, as far as it is known here."""
    return {
        "server": server or None,
        "signed_in": is_signed_in,
        "linked": standing.link is not None,
        **_standing_row(standing),
        **({} if standing.link else {"to_send": None}),  # everything, if anything
        "last_synced_at": time_row(last.succeeded_at),
        "last_problem": last.problem or None,
        "last_problem_at": time_row(last.failed_at),
    }


def _standing_row(standing: "Standing") -> dict[str, Any]:
    link = standing.link
    return {
        "to_send": standing.to_send,
        "conflicts": standing.conflicts,
        "held_back": standing.held_back,
        "held_back_for": {hold.value: n for hold, n in standing.held.items()},
        "prompt_limit": link.prompt_limit if link else None,
        "prompt_count": link.prompt_count if link else None,
        "storage_limit": link.storage_limit if link else None,
        "storage_used": link.storage_used if link else None,
        "cursor": link.seq if link else None,
    }


def conflict_row(conflict: "Conflict") -> dict[str, Any]:
    """Return a conflict as `conflicts list --json` has it."""
    return {
        "id": conflict.prompt.id,
        "name": conflict.prompt.name,
        "trashed": conflict.is_trashed,
        "differs": conflict.differences,
        "current": "theirs" if conflict.side.mine else "ours",
        "waiting": conflict.waiting,
        "ours": _wording_row(conflict.ours) | _device_row(conflict.ours_by),
        "theirs": _wording_row(conflict.theirs) | _device_row(conflict.theirs_by),
    }


def sides_row(conflict: "Conflict") -> dict[str, Any]:
    """Return a conflict with its texts, as `conflicts show --json` has it."""
    row = conflict_row(conflict)
    for side in ("ours", "theirs"):
        wording: Wording = getattr(conflict, side)
        row[side] |= _text_row(wording)
    base = conflict.base
    row["base"] = _wording_row(base) | _text_row(base) if base else None
    return row


def _wording_row(wording: "Wording") -> dict[str, Any]:
    details = wording.details
    return version_row(wording.version) | {
        "name": wording.name,
        "title": details.title,
        "description": details.description,
        "tags": list(details.tags),
        "favourite": details.favourite,
        "sensitive_allowed": details.secrets_allowed,
        "labels": dict(wording.labels),
    }


def _device_row(device: "Device") -> dict[str, Any]:
    return {"device": device.name, "this_device": device.is_this}


def _text_row(wording: "Wording") -> dict[str, Any]:
    content = wording.version.content
    return {
        "body": content.body,
        "template": content.template,
        "variables": [variable_row(each) for each in content.variables],
    }


def settled_row(settled: "Settled") -> dict[str, Any]:
    """Return a prompt whose conflict was settled."""
    return prompt_row(settled.prompt) | {
        "changed": settled.is_changed,
        "kept": list(settled.kept),
        "waiting": settled.waiting,
    }
