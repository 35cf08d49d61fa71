"""The details of a prompt before `redact` cleaned them, which only git has."""

from promptvault import front_matter
from promptvault.domain.prompt import Details, Prompt
from promptvault.history.inspection import BlobReader, file_blobs
from promptvault.history.repository import History
from promptvault.secret_scan import is_redacted, redacted_details
from promptvault.vault.outbox import history_path


def find_details(history: History, prompt: Prompt) -> tuple[Details, tuple[str, ...]]:
    """Return the details before they were redacted, and the fields not found.

    Only fields with a mark of `redact` are looked up; the others stay. Raises
    VaultError and UnavailableError.
    """
    found, missing = prompt.details, _marked(prompt.details)
    if not missing:
        return found, ()
    with BlobReader(history) as reader:
        for blob in file_blobs(history, history_path(prompt)):
            older = _details(reader.read(blob), prompt.id)
            for field in tuple(missing):
                if _was_redacted(older, prompt.details, field):
                    found = found._replace(**{field: getattr(older, field)})
                    missing.remove(field)
            if not missing:
                break
    return found, tuple(missing)


def _marked(details: Details) -> list[str]:
    texts = {
        "title": [details.title],
        "description": [details.description],
        "tags": details.tags,
    }
    return [field for field, each in texts.items() if any(map(is_redacted, each))]


def _details(text: str, prompt_id: str) -> Details:
    """Return the details in a file of the history, none for another prompt's file."""
    parts, document = front_matter.take_apart(text), front_matter.split(text)
    if parts is None or document is None or parts.prompt_id != prompt_id:
        return Details()
    fields = document.fields
    return Details(
        str(fields.get("title", "")),
        str(fields.get("description", "")),
        tuple(map(str, fields.get("tags", ()))),
    )


def _was_redacted(older: Details, now: Details, field: str) -> bool:
    """Return True if *field* is now what `redact` makes of the older one."""
    cleaned = getattr(redacted_details(older), field)
    return bool(getattr(older, field) != cleaned == getattr(now, field))
