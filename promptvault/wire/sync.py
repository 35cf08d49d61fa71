"""The protocol of sync: what a device pushes, and what the server answers.

`docs` of the fields say what the protocol means by them; payloads are the device's own
(`prompt_state`), and the server reads nothing of them but ids of versions and sizes.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from promptvault.errors import OutdatedError

PROTO: Literal[1] = 1
MAX_CHAIN = 64
MAX_VAULTS = 100
MAX_VERSIONS = 10_000
"""In one push, in a request, and of one prompt, if a server says nothing else."""

Id = Annotated[UUID, Field(strict=False)]
"""An id, which JSON can only write as text."""
Seq = Annotated[int, Field(ge=0, lt=2**63)]
Payload = dict[str, Any]


class _Sent(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Part(_Sent):
    """How far the versions of a prompt were read that are too many for one page."""

    item: Id
    seq: Seq
    position: Seq


class Cursor(_Sent):
    """How far a device has read a vault."""

    epoch: Id | None = None
    seq: Seq = 0
    boot: Seq | None = None
    """The horizon when reading from the beginning began; null when that is over."""
    since: Seq | None = None
    """Where the pages that are under way began; null when there are no more. A prompt
    may move from a page that was to come to a later one, its versions do not."""
    part: Part | None = None
    """The last version that was read of a prompt whose other versions follow, and then
    the prompt itself; null when there is none."""


class VersionPush(BaseModel):
    """A version; the rest of it is the device's own (`prompt_state.VersionState`).

    It has a `body` that is not empty, or says with `left_out` that its text stays on
    the device where it was written.
    """

    model_config = ConfigDict(strict=True, extra="allow")

    id: Id


class _Push(_Sent):
    item: Id
    rev: Id
    resolves: list[Id] = Field(default=[], max_length=1000)
    """Sides whose text this change has absorbed."""


class _ContentPush(_Push):
    base: Id | None = None
    payload: Payload | None = None
    versions: list[VersionPush] = Field(default=[], max_length=MAX_VERSIONS)
    """Those that the server does not know yet, oldest first."""


class HeadPush(_ContentPush):
    """A prompt as it is to be."""

    kind: Literal["head"] = "head"
    chain: list[Id] = Field(default=[], max_length=MAX_CHAIN)
    """The revisions that this one descends from, newest first."""
    deleted: bool = False


class SidePush(_ContentPush):
    """What could not be merged, kept beside the head."""

    kind: Literal["side"] = "side"


class ResolvePush(_Push):
    """Sides that are settled, their text being in the head already."""

    kind: Literal["resolve"] = "resolve"


Push = Annotated[HeadPush | SidePush | ResolvePush, Field(discriminator="kind")]


class VaultRequest(_Sent):
    """What a device has for one vault, and how far it has read it."""

    id: Id
    cursor: Cursor = Cursor()
    mark: Id | None = None
    """The `mark` of the last answer. If the vault does not have it, the server went
    back in time since: the cursor is void, whatever it says."""
    push: list[Push] = []


class SyncRequest(_Sent):
    """What a device asks, for all its vaults at once."""

    proto: Literal[1] = 1
    device: Id
    vaults: list[VaultRequest] = Field(max_length=MAX_VAULTS)

    @model_validator(mode="before")
    @classmethod
    def _speak_the_same_protocol(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("proto") != PROTO:
            raise OutdatedError("The program is too old or too new for this server.")
        return data

    @model_validator(mode="after")
    def _name_each_vault_once(self) -> "SyncRequest":
        if len({vault.id for vault in self.vaults}) < len(self.vaults):
            raise ValueError("a vault stands there twice")
        return self


class Place(BaseModel):
    """Where a version stands among all versions of its prompt, on every device."""

    id: UUID
    seq: int
    position: int


class Result(BaseModel):
    """What became of one push."""

    rev: UUID
    r: Literal[
        "ok", "conflict", "quota", "too_large", "forbidden", "rev_reuse", "invalid"
    ]
    seq: int | None = None
    dup: bool = False
    why: Literal["prompts", "storage", "payload", "history"] | None = None
    """On quota and too_large, what there is too much of: prompts, or bytes, in the
    account; bytes in one text; versions of one prompt. An older server says nothing."""
    open: bool | None = None
    """Of a side that was known already: whether it still waits to be settled."""
    known: list[Place] = []
    """Versions of an accepted push that the server had; the others stand at the
    push's `seq`, their position being their index."""
    head: UUID | None = None
    """On conflict: the revision that came first, null where the prompt is unknown."""
    common: UUID | None = None
    """On conflict: the newest revision of the chain that the server knows."""
    missing: list[UUID] = []
    """On invalid: versions that the payload names and nobody sent."""
    gone: bool = False
    """Of a head that was known already: whether the prompt was deleted since, so long
    ago that the server has forgotten the deletion."""


class By(BaseModel):
    """Who made a revision, as the token said."""

    user: UUID
    device: UUID
    name: str | None = None
    """What the user calls the device, where the server knows it."""


class VersionRead(BaseModel):
    """A version, with its place among those of its prompt."""

    model_config = ConfigDict(extra="allow")

    id: UUID
    seq: int
    position: int


class Change(BaseModel):
    """One thing that happened in a vault."""

    seq: int
    t: Literal["item", "side", "resolved", "versions"]
    """`versions` brings some versions of a prompt of which there are more than go into
    a page; the others follow, and then the prompt."""
    item: UUID
    rev: UUID
    deleted: bool = False
    payload: Payload | None = None
    by: By | None = None
    line: list[UUID] = Field(default=[], max_length=MAX_CHAIN)
    """Of a prompt: the revisions that this one descends from, newest first, as far back
    as the device has read."""
    versions: list[VersionRead] = []


class Quota(BaseModel):
    """What the account of a vault may hold, and does; no limit is null."""

    limit: int | None
    used: int
    over: list[UUID] = []
    """Prompts that this request brought and that did not fit."""


class Storage(BaseModel):
    """Bytes that the account of a vault may store, and does; no limit is null."""

    limit: int | None
    used: int


class VaultAnswer(BaseModel):
    """What a vault has for a device."""

    id: UUID
    status: Literal["ok", "quota", "resync", "forbidden", "gone"]
    """`quota` if anything did not fit into the account, which makes it a 402."""
    reason: Literal["epoch", "horizon"] | None = None
    results: list[Result] = []
    """A push without one was not decided: it is to be sent again."""
    feed: list[Change] = []
    cursor: Cursor | None = None
    more: bool = False
    quota: Quota | None = None
    """Left out if something was refused for want of storage: older programs would take
    room for more prompts as leave to send it again at once."""
    storage: Storage | None = None
    digest: str | None = None
    """Of the live prompts, in hexadecimal; compare it when there is no more."""
    mark: UUID | None = None
    """Identifies the vault's last push, which this answer takes into account."""


class Limits(BaseModel):
    """By what a device cuts its requests."""

    items: int
    """Pushes in a request; also changes in an answer."""
    bytes: int
    """Of a body as it is sent."""
    inflated: int
    """Bytes of a body when it is not compressed."""
    payload: int
    """Bytes of one payload, or of one version."""
    versions: int = MAX_VERSIONS
    """Versions in a request."""
    page_versions: int = MAX_VERSIONS
    """Versions in a page of an answer."""
    history: int = MAX_VERSIONS
    """Versions of one prompt; beyond them, one more is refused."""


class SyncAnswer(BaseModel):
    """What the server answers; without `end` it is cut off."""

    proto: Literal[1]
    vaults: list[VaultAnswer]
    limits: Limits
    end: Literal[True]


class VersionsRead(BaseModel):
    """Versions of a prompt, in the order that gives them their numbers."""

    versions: list[VersionRead]
    next: str | None = None
    """What to ask for as `after`, to read on; null where there are no more."""
