"""The tables of the vault, declared with SQLModel.

Migrations create them, and `doctor` compares a vault with them. Rows are read and
written with sqlite3, which is faster to import.
"""

from typing import Any

from sqlalchemy import JSON, Column, Index, LargeBinary, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class VaultTable(SQLModel, registry=registry()):
    """The base of the vault's tables, with a registry of their own."""


class PromptRow(VaultTable, table=True):
    """A prompt; `version_pk` is its current version."""

    __tablename__ = "prompts"

    pk: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    name: str
    leaf: str = Field(index=True)
    title: str = ""
    description: str = ""
    tags: list[str] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False)
    )
    favourite: bool = False
    source: str
    version_pk: int = Field(foreign_key="versions.pk", index=True)
    created_at: str
    updated_at: str
    deleted_at: str | None = None
    import_pk: int | None = Field(default=None, foreign_key="imports.pk")
    secrets_allowed: bool = Field(
        default=False, sa_column_kwargs={"server_default": text("0")}
    )


class VersionRow(VaultTable, table=True):
    """One version of a prompt; only its commit id ever changes."""

    __tablename__ = "versions"
    __table_args__ = (
        Index("versions_secrets", "prompt_pk", sqlite_where=text("secrets != '[]'")),
    )

    pk: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    prompt_pk: int = Field(foreign_key="prompts.pk")
    number: int
    body: str
    template: bool = False
    variables: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False)
    )
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False, index=True))
    message: str
    author_name: str
    author_email: str
    created_at: str
    commit_id: str | None = None
    import_pk: int | None = Field(default=None, foreign_key="imports.pk", index=True)
    secrets: list[str] = Field(
        default_factory=list,
        sa_column=Column(JSON, nullable=False, server_default=text("'[]'")),
    )


class LabelRow(VaultTable, table=True):
    """A label of a version."""

    __tablename__ = "labels"

    prompt_pk: int = Field(primary_key=True, foreign_key="prompts.pk")
    name: str = Field(primary_key=True)
    version_pk: int = Field(foreign_key="versions.pk")


class OutboxRow(VaultTable, table=True):
    """A commit that is not written to git yet."""

    __tablename__ = "outbox"

    pk: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    author_name: str
    author_email: str
    message: str
    created_at: str


class OutboxFileRow(VaultTable, table=True):
    """One file of a commit: front matter and version; without version, a removal."""

    __tablename__ = "outbox_files"

    pk: int | None = Field(default=None, primary_key=True)
    outbox_pk: int = Field(foreign_key="outbox.pk", index=True)
    path: str
    header: str | None = None
    version_pk: int | None = Field(default=None, foreign_key="versions.pk")


class ImportRow(VaultTable, table=True):
    """One import."""

    __tablename__ = "imports"

    pk: int | None = Field(default=None, primary_key=True)
    created_at: str
    undone_at: str | None = None
    paths: list[str] = Field(sa_column=Column(JSON, nullable=False))
    options: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    report: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class ImportFileRow(VaultTable, table=True):
    """A file that an import read: its state then, and the number of prompts."""

    __tablename__ = "import_files"

    pk: int | None = Field(default=None, primary_key=True)
    import_pk: int = Field(foreign_key="imports.pk", index=True)
    path: str = Field(index=True)
    size: int
    modified: int
    inode: int
    source: str
    conversations: int
    found: int


class ImportGrowthRow(VaultTable, table=True):
    """A prompt as it was before an import added versions to it."""

    __tablename__ = "import_growth"

    import_pk: int = Field(primary_key=True, foreign_key="imports.pk")
    prompt_pk: int = Field(primary_key=True, foreign_key="prompts.pk", index=True)
    updated_at: str
    secrets_allowed: bool
    version_pk: int | None = Field(default=None, foreign_key="versions.pk")


class OriginRow(VaultTable, table=True):
    """The message that a prompt, or one version of it, came from."""

    __tablename__ = "origins"

    pk: int | None = Field(default=None, primary_key=True)
    prompt_pk: int = Field(foreign_key="prompts.pk", index=True)
    version_pk: int | None = Field(default=None, foreign_key="versions.pk", index=True)
    import_pk: int | None = Field(default=None, foreign_key="imports.pk")
    source: str
    conversation_id: str | None = None
    conversation_title: str | None = None
    message_id: str | None = None
    model: str | None = None
    created_at: str | None = None
    url: str | None = None
