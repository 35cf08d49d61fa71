"""Writing prompts through SQLModel: each method is one change, commit included."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, delete, func, select

from promptvault.domain.digest import digest
from promptvault.domain.name import leaf_of
from promptvault.domain.prompt import LOCAL_SOURCE, Author, Content, Details, Prompt
from promptvault.domain.timestamp import to_text
from promptvault.domain.variable import variables_to_mapping
from promptvault.errors import AlreadyExistsError
from promptvault.front_matter import header
from promptvault.secret_scan import secret_types
from promptvault.vault.file import history_path
from promptvault.vault.reader import Reader
from promptvault.vault.tables import (
    LabelRow,
    OriginRow,
    OutboxFileRow,
    OutboxRow,
    PromptRow,
    VersionRow,
)


class Repository:
    """Changes to the vault within one transaction, all by `author` at `now`.

    Every change is written together with the outbox row of its commit.
    """

    def __init__(self, session: Session, author: Author, now: datetime) -> None:
        self._session = session
        self._author = author
        self._now = to_text(now)
        driver = session.connection().connection.driver_connection
        assert driver is not None
        self.reader = Reader(driver)

    def add(
        self, name: str, content: Content, details: Details, message: str
    ) -> Prompt:
        """Save a new prompt; raises AlreadyExistsError when the name is taken."""
        self._require_free(name, "or 'add --upsert' to make a new version of it")
        # The version goes first: the index reads its text when the prompt arrives.
        pk = self._session.exec(select(func.max(PromptRow.pk))).one() or 0
        row = PromptRow(
            pk=pk + 1,
            id=str(uuid.uuid4()),
            name=name,
            leaf=leaf_of(name),
            title=details.title,
            description=details.description,
            tags=list(details.tags),
            favourite=details.favourite,
            secrets_allowed=details.secrets_allowed,
            source=LOCAL_SOURCE,
            version_pk=self._insert_version(pk + 1, content, 1, message),
            created_at=self._now,
            updated_at=self._now,
        )
        self._session.add(row)
        return self._commit([row], message)[0]

    def add_version(self, prompt: Prompt, content: Content, message: str) -> Prompt:
        """Make *content* the next and current version of *prompt*."""
        row = self._row(prompt)
        number = self._next_number(row)
        row.version_pk = self._insert_version(row.pk, content, number, message)
        return self._commit([row], message)[0]

    def _next_number(self, row: PromptRow) -> int:
        of_prompt = VersionRow.prompt_pk == row.pk
        newest = self._session.exec(
            select(func.max(VersionRow.number)).where(of_prompt)
        )
        return (newest.one() or 0) + 1

    def _insert_version(
        self, prompt_pk: int | None, content: Content, number: int, message: str
    ) -> int:
        version = VersionRow(
            id=str(uuid.uuid4()),
            prompt_pk=prompt_pk or 0,
            number=number,
            body=content.body,
            template=content.template,
            variables=variables_to_mapping(content.variables),
            digest=digest(content.body),
            message=message,
            author_name=self._author.name,
            author_email=self._author.email,
            created_at=self._now,
            secrets=list(secret_types(content)),
        )
        self._session.add(version)
        self._session.flush()
        return version.pk or 0

    def update(self, prompt: Prompt, details: Details, message: str) -> Prompt:
        """Change what is known of *prompt* besides its text."""
        row = self._row(prompt)
        _set_details(row, details)
        return self._commit([row], message)[0]

    def move(self, moves: Sequence[tuple[Prompt, str]], message: str) -> list[Prompt]:
        """Rename prompts, all in one commit; raises AlreadyExistsError."""
        rows = self._rename(moves)
        left = [history_path(prompt) for prompt, _ in moves]
        return self._commit(rows, message, left)

    def describe(
        self,
        changes: Sequence[tuple[Prompt, str, Details]],
        message: str,
        *,
        keep_time: bool = False,
    ) -> list[Prompt]:
        """Give prompts names and details, all in one commit.

        With *keep_time* they count as changed when they were before: what an import
        brings is described as a part of it. Raises AlreadyExistsError.
        """
        rows = self._rename([(prompt, name) for prompt, name, _ in changes])
        for row, (_, _, details) in zip(rows, changes, strict=True):
            _set_details(row, details)
        left = [history_path(p) for p, name, _ in changes if name != p.name]
        return self._commit(rows, message, left, keep_time=keep_time)

    def _rename(self, moves: Sequence[tuple[Prompt, str]]) -> list[PromptRow]:
        left_behind = {prompt.name for prompt, _ in moves}
        for _, name in moves:
            if name not in left_behind:
                self._require_free(name)
        rows = [self._row(prompt) for prompt, _ in moves]
        # One may move to where another still is: first all make way, then all arrive.
        for row in rows:
            row.name = f"/{row.id}"
        self._session.flush()
        for row, (_, name) in zip(rows, moves, strict=True):
            row.name, row.leaf = name, leaf_of(name)
        return rows

    def label(self, prompt: Prompt, label: str, number: int, message: str) -> Prompt:
        """Let *label* name version *number*, wherever it was before."""
        row = self._row(prompt)
        self._session.merge(
            LabelRow(
                prompt_pk=row.pk or 0,
                name=label,
                version_pk=self._version_pk(row, number),
            )
        )
        return self._commit([row], message)[0]

    def remove_label(self, prompt: Prompt, label: str, message: str) -> Prompt:
        """Take *label* off *prompt*."""
        row = self._row(prompt)
        self._session.exec(
            delete(LabelRow).where(
                col(LabelRow.prompt_pk) == row.pk, col(LabelRow.name) == label
            )
        )
        return self._commit([row], message)[0]

    def trash(self, prompts: Sequence[Prompt], message: str) -> list[Prompt]:
        """Put prompts into the trash, all in one commit."""
        rows = [self._row(prompt) for prompt in prompts]
        for row in rows:
            row.deleted_at = self._now
        left = [history_path(prompt) for prompt in prompts]
        return self._commit(rows, message, left)

    def restore(self, prompt: Prompt, name: str, message: str) -> Prompt:
        """Take *prompt* out of the trash as *name*; raises AlreadyExistsError."""
        self._require_free(name, "as 'trash restore NAME --as NEW'")
        row = self._row(prompt)
        row.name, row.leaf, row.deleted_at = name, leaf_of(name), None
        return self._commit([row], message, [history_path(prompt)])[0]

    def purge(self, prompts: Sequence[Prompt], message: str) -> None:
        """Remove prompts for good; only the history's older commits keep them."""
        for prompt in prompts:
            row = self._row(prompt)
            for table in (LabelRow, OriginRow, VersionRow):
                self._session.exec(delete(table).where(col(table.prompt_pk) == row.pk))
            self._session.delete(row)
        self._commit([], message, [history_path(prompt) for prompt in prompts])

    def _row(self, prompt: Prompt) -> PromptRow:
        return self._session.exec(
            select(PromptRow).where(PromptRow.id == prompt.id)
        ).one()

    def _version_pk(self, row: PromptRow, number: int) -> int:
        return (
            self._session.exec(
                select(VersionRow.pk).where(
                    VersionRow.prompt_pk == row.pk, VersionRow.number == number
                )
            ).one()
            or 0
        )

    def _require_free(
        self, name: str, advice: str = "or delete that one first"
    ) -> None:
        if self.reader.find(name):
            raise AlreadyExistsError(
                f"There is a prompt {name!r} already; choose another name ({advice})."
            )

    def _commit(
        self,
        rows: Sequence[PromptRow],
        message: str,
        left: Iterable[str] = (),
        *,
        keep_time: bool = False,
    ) -> list[Prompt]:
        """Write the commit of a change: files that *left* their path, and *rows*."""
        for row in () if keep_time else rows:
            row.updated_at = self._now
        outbox = OutboxRow(
            id=str(uuid.uuid4()),
            author_name=self._author.name,
            author_email=self._author.email,
            message=message,
            created_at=self._now,
        )
        self._session.add(outbox)
        self._session.flush()
        self._session.add_all(
            OutboxFileRow(outbox_pk=outbox.pk or 0, path=path) for path in left
        )
        self._session.flush()
        prompts = [self.reader.by_id(row.id) for row in rows]
        self._session.add_all(
            self._file(outbox, row, prompt)
            for row, prompt in zip(rows, prompts, strict=True)
        )
        self._session.flush()
        return prompts

    def _file(self, outbox: OutboxRow, row: PromptRow, prompt: Prompt) -> OutboxFileRow:
        version = self.reader.current(prompt)
        return OutboxFileRow(
            outbox_pk=outbox.pk or 0,
            path=history_path(prompt),
            header=header(prompt, version, self.reader.origins(prompt)),
            version_pk=row.version_pk,
        )


def _set_details(row: PromptRow, details: Details) -> None:
    row.title = details.title
    row.description = details.description
    row.tags = list(details.tags)
    row.favourite = details.favourite
    row.secrets_allowed = details.secrets_allowed
