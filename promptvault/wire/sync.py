"""The protocol of sync, version 1: `POST /v1/sync`.

The docstrings of the fields define the protocol. Payloads are defined by the devices
(`prompt_state`); the server reads only version ids and sizes in them. A *head* is the
current state of a prompt, a *side* a state that could not be merged with it.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from promptvault.errors import OutdatedError

PROTO: Literal[1] = 1
MAX_CHAIN = 64
MAX_VAULTS = 100
MAX_VERSIONS = 10_000
"""In one push, in a request, and of one prompt, unless `Limits` says otherwise."""

Id = Annotated[UUID, Field(strict=False)]
"""A UUID; JSON has it as a string."""
Seq = Annotated[int, Field(ge=0, lt=2**63)]
Payload = dict[str, Any]


class _Sent(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Part(_Sent):
    """The last version read of a prompt whose versions do not fit into one page."""

    item: Id
    seq: Seq
    position: Seq


class Cursor(_Sent):
    """The position up to which a device has read a vault."""

    epoch: Id | None = None
    seq: Seq = 0
    boot: Seq | None = None
    """While a vault is read from the beginning: the horizon at its start; else null."""
    since: Seq | None = None
    """Where the current run of pages started; null after its last page. A prompt that
    changes moves to a later page; its versions do not."""
    part: Part | None = None
    """The last version that was read of a prompt; its other versions follow, and then
    the prompt itself. Null if no prompt is split."""


class VersionPush(BaseModel):
    """A version; its other fields are those of `prompt_state.VersionState`.

    Its `body` is not empty, unless `left_out` says that the text stays on the device
    where it was written.
    """

    model_config = ConfigDict(strict=True, extra="allow")

    id: Id


class _Push(_Sent):
    item: Id
    rev: Id
    resolves: list[Id] = Field(default=[], max_length=1000)
    """Sides that this change resolves."""


class _ContentPush(_Push):
    base: Id | None = None
    payload: Payload | None = None
    versions: list[VersionPush] = Field(default=[], max_length=MAX_VERSIONS)
    """The versions that the server does not have, oldest first."""


class HeadPush(_ContentPush):
    """The new state of a prompt."""

    kind: Literal["head"] = "head"
    chain: list[Id] = Field(default=[], max_length=MAX_CHAIN)
    """Ancestors of the revision, newest first."""
    deleted: bool = False


class SidePush(_ContentPush):
    """A state that could not be merged with the head."""

    kind: Literal["side"] = "side"


class ResolvePush(_Push):
    """Resolves sides without a change of the head."""

    kind: Literal["resolve"] = "resolve"


Push = Annotated[HeadPush | SidePush | ResolvePush, Field(discriminator="kind")]


class VaultRequest(_Sent):
    """The changes of a device for one vault, and how far it has read it."""

    id: Id
    cursor: Cursor = Cursor()
    mark: Id | None = None
    """The `mark` of the last answer. If the vault does not have it, the server was
    restored to an earlier state since, and the cursor is void."""
    push: list[Push] = []


class SyncRequest(_Sent):
    """A request of a device for all its vaults."""

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
            raise ValueError("a vault is named twice")
        return self


class Place(BaseModel):
    """The position of a version among those of its prompt, the same on every device."""

    id: UUID
    seq: int
    position: int


class Result(BaseModel):
    """The result of one push."""

    rev: UUID
    r: Literal[
        "ok", "conflict", "quota", "too_large", "forbidden", "rev_reuse", "invalid"
    ]
    seq: int | None = None
    dup: bool = False
    why: str | None = None
    """With quota and too_large, the limit that was exceeded: `prompts` or `storage` of
    the account, the `payload` of one text, the `history` of one prompt.

    With forbidden, in the vault of a team: `role` if the user may not write, `plan` or
    `owner_gone` if the vault is frozen (see `domain.team.Frozen`), or `label:` and the
    protected label that the push would move.
    Programs from before teams know only the first four, and sync no such vault. Null
    from an older server, and for a token that may only read."""
    open: bool | None = None
    """For a side that was known already: whether it is still unresolved."""
    known: list[Place] = []
    """Versions of an accepted push that the server had. The others have the push's
    `seq`, and their index as position."""
    head: UUID | None = None
    """With conflict: the server's revision, null if it does not have the prompt."""
    common: UUID | None = None
    """With conflict: the newest revision of the chain that the server knows."""
    missing: list[UUID] = []
    """With invalid: versions that the payload names and the server does not have."""
    gone: bool = False
    """For a head that was known already: whether the prompt was deleted since, and the
    server has purged the deletion."""


class By(BaseModel):
    """The user and device that made a revision, from the token."""

    user: UUID
    device: UUID
    name: str | None = None
    """The name that the user gave the device, null if the server does not know it."""


class VersionRead(BaseModel):
    """A version with its position among those of its prompt."""

    model_config = ConfigDict(extra="allow")

    id: UUID
    seq: int
    position: int


class Change(BaseModel):
    """One change of a vault."""

    seq: int
    t: Literal["item", "side", "resolved", "versions"]
    """`versions` carries a part of the versions of a prompt that has too many for one
    page. The others follow, and then the prompt as an `item`."""
    item: UUID
    rev: UUID
    deleted: bool = False
    payload: Payload | None = None
    by: By | None = None
    line: list[UUID] = Field(default=[], max_length=MAX_CHAIN)
    """For a prompt: ancestors of the revision, newest first, as far back as the device
    has read."""
    versions: list[VersionRead] = []


class Quota(BaseModel):
    """Prompts that the account may hold and holds; null means no limit."""

    limit: int | None
    used: int
    over: list[UUID] = []
    """Prompts of this request that exceed the limit."""


class Storage(BaseModel):
    """Bytes that the account may store and stores; null means no limit."""

    limit: int | None
    used: int


class VaultAnswer(BaseModel):
    """The answer for one vault."""

    id: UUID
    status: Literal["ok", "quota", "resync", "forbidden", "gone"]
    """`quota` if a change exceeds the plan; the HTTP status is 402 then."""
    reason: Literal["epoch", "horizon"] | None = None
    results: list[Result] = []
    """A push without a result was not processed: send it again."""
    feed: list[Change] = []
    cursor: Cursor | None = None
    more: bool = False
    quota: Quota | None = None
    """Absent if a change was refused because it exceeds the storage: older programs
    would send it again at once if there is room for more prompts."""
    storage: Storage | None = None
    digest: str | None = None
    """Digest of the live prompts in hexadecimal, valid if `more` is false."""
    mark: UUID | None = None
    """Identifies the last push to the vault that this answer includes."""
    on_leave: Literal["keep", "wipe"] | None = None
    """With gone: what a device that has synced the vault does with its copy. Null if
    the device has not, if the team was erased, and from an older server."""


class Limits(BaseModel):
    """The limits of requests and answers."""

    items: int
    """Pushes in a request; also changes in an answer."""
    bytes: int
    """Bytes of a body as it is sent."""
    inflated: int
    """Bytes of a body after decompression."""
    payload: int
    """Bytes of one payload, or of one version."""
    versions: int = MAX_VERSIONS
    """Versions in a request."""
    page_versions: int = MAX_VERSIONS
    """Versions in a page of an answer."""
    history: int = MAX_VERSIONS
    """Versions of one prompt; any more are refused."""


class SyncAnswer(BaseModel):
    """The answer of the server; without `end` it was cut off."""

    proto: Literal[1]
    vaults: list[VaultAnswer]
    limits: Limits
    roster: int | None = None
    """Changes with every change of the user's vaults other than of their prompts: of
    members, roles, names, protected labels. `GET /v1/vaults` has them. Null from an
    older server."""
    pay_by: datetime | None = None
    """When the user's plan ends because a payment has failed; null if none has."""
    end: Literal[True]


class VersionsRead(BaseModel):
    """Versions of a prompt, in the order of their numbers."""

    versions: list[VersionRead]
    next: str | None = None
    """The value of `after` for the next page; null on the last one."""
