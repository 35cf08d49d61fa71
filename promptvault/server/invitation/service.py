"""Invitations: made, mailed, listed, revoked, accepted.

The token of an invitation is derived from its id and the server's secret. So the job
that mails it needs no secret, and a mail that is sent twice has the same link.
"""

import base64
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID, uuid4

from promptvault.domain.team import Right
from promptvault.errors import (
    AlreadyExistsError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    TierLimitError,
)
from promptvault.server.account.deletion import format_day
from promptvault.server.account.service import checked_email
from promptvault.server.activity.actor import Actor
from promptvault.server.activity.repository import Action
from promptvault.server.activity.service import FORMER_MEMBER
from promptvault.server.database import Connection
from promptvault.server.invitation.repository import (
    Invitation,
    InvitationRepository,
    Offer,
    OpenInvitation,
)
from promptvault.server.job.queue import Kind, enqueue
from promptvault.server.limit.rule import (
    INVITATIONS_BY_ACCOUNT,
    INVITATIONS_BY_ADDRESS,
)
from promptvault.server.limit.service import enforce_limit
from promptvault.server.mail import Letter, checked_address
from promptvault.server.paging import read_place, write_place
from promptvault.server.settings import Settings
from promptvault.server.team.change import (
    TeamChange,
    changing_found,
    changing_team,
    find_team,
    require,
)
from promptvault.server.team.member_repository import MemberRepository
from promptvault.server.team.repository import Team, TeamRepository
from promptvault.server.team.seats import is_counted
from promptvault.server.token.secret import hash_secret
from promptvault.wire.team import (
    InvitationCreate,
    InvitationRead,
    InvitationsRead,
    JoinedRead,
)

_SUBJECT = "Invitation to the team {team} on PromptVault"
_TEXT = """\
{inviter} invites you to the team "{team}" on PromptVault, as {role}.

{url}

The link is for {email}, and expires on {date}. If you do not know the sender, ignore
this mail.
"""

_LONGEST_TOKEN = 200


async def invite(
    connection: Connection,
    settings: Settings,
    actor: Actor,
    team: str,
    wish: InvitationCreate,
) -> InvitationRead:
    """Invite one address, or make a link.

    Raises InvalidInputError, AlreadyExistsError for a member, TierLimitError if there
    is no seat left, RateLimitedError.
    """
    assert actor.user_id is not None
    key = f"invitations:{actor.account_id}"
    await enforce_limit(connection, INVITATIONS_BY_ACCOUNT, key)
    email = None if wish.email is None else _checked(settings, wish.email)
    async with changing_team(connection, actor, team, Right.INVITE) as change:
        if email is not None:
            await _check_address(change, email)
        await _check_seats(change, email)
        id = await _add(change, settings, actor.user_id, wish, email)
        if email is not None and settings.smtp_host:
            await enqueue(connection, Kind.MAIL_INVITATION, invitation=id)
        found = await InvitationRepository(connection).get(change.team.vault_id, id)
        assert found is not None
    return _read(found, url=_url(settings, id))


async def _add(
    change: TeamChange,
    settings: Settings,
    inviter: UUID,
    wish: InvitationCreate,
    email: str | None,
) -> UUID:
    id = uuid4()
    await InvitationRepository(change.connection).add(
        change.team.vault_id,
        id,
        _hash(settings, _token(settings, id)),
        email=email,
        role=wish.role,
        max_uses=wish.uses,
        invited_by=inviter,
        life=timedelta(days=wish.days),
    )
    await change.record(
        Action.MEMBER_INVITED, email or "link", role=wish.role, uses=wish.uses
    )
    return id


def _checked(settings: Settings, email: str) -> str:
    """Return an address that can prove that it is the user's."""
    if not settings.smtp_host and not settings.oidc_client_id:
        raise InvalidInputError(
            "This server sends no mail, so it cannot know whose address this is:"
            " invite with a link."
        )
    email = checked_email(email)
    if not email.isprintable():
        raise InvalidInputError("This is no e-mail address.")
    checked_address(email)
    return email


async def _check_address(change: TeamChange, email: str) -> None:
    """Raise if the address is that of a member, or is invited too often."""
    invitations = InvitationRepository(change.connection)
    if await invitations.has_member(change.team.vault_id, email):
        raise AlreadyExistsError("A member of the team has this address.")
    key = f"invitation:{change.team.id}:{email.lower()}"
    await enforce_limit(change.connection, INVITATIONS_BY_ADDRESS, key)


async def _check_seats(change: TeamChange, email: str | None) -> None:
    """Raise TierLimitError if the account has no seat for another person.

    Open invitations by mail count as well. A link reserves no seat.
    """
    team, invitations = change.team, InvitationRepository(change.connection)
    if team.member_limit is None:
        return
    if email is not None and await invitations.has_seat(team.account_id, email):
        return
    reserved = await invitations.reserved_seats(team.account_id)
    if team.member_count + reserved >= team.member_limit:
        raise _no_seat(team)


def _no_seat(team: Team) -> TierLimitError:
    return TierLimitError(
        f"The plan of the team allows {team.member_limit} people, invited ones"
        " included: its owner can choose a larger plan."
    )


async def list_invitations(
    connection: Connection, user_id: UUID, team: str, before: str | None, limit: int
) -> InvitationsRead:
    """Return a page of the open invitations; raises PermissionDeniedError."""
    place = read_place(before) if before else None
    found = await find_team(connection, user_id, team)
    asked = await TeamRepository(connection).get(found.vault_id, user_id)
    require(asked.role if asked else None, Right.INVITE)
    page = await InvitationRepository(connection).page(found.vault_id, place, limit)
    last = page[-1] if len(page) == limit else None
    return InvitationsRead(
        items=[_read(each) for each in page],
        next=write_place(last.created_at, last.id) if last else None,
    )


async def revoke(connection: Connection, actor: Actor, team: str, id: UUID) -> None:
    """Make an open invitation void; raises NotFoundError if there is none."""
    async with changing_team(connection, actor, team, Right.INVITE) as change:
        invitations, vault = InvitationRepository(connection), change.team.vault_id
        found = await invitations.get(vault, id)
        if found is None:
            raise NotFoundError("There is no such invitation.")
        await invitations.revoke(vault, id)
        await change.record(Action.INVITATION_REVOKED, found.email or "link")


async def accept(
    connection: Connection, settings: Settings, actor: Actor, token: str
) -> JoinedRead:
    """Make the actor a member of the team; nothing changes for a member.

    So a request whose answer was lost can be sent again. Raises NotFoundError,
    PermissionDeniedError if the invitation is for another address, TierLimitError.
    """
    assert actor.user_id is not None
    token_hash = _hash(settings, token)
    found = await InvitationRepository(connection).find(token_hash)
    if found is None:
        raise _no_such_invitation()
    async with changing_found(connection, actor, found) as change:
        team = change.team
        invitation = await InvitationRepository(connection).lock(token_hash)
        if invitation is None:
            raise _no_such_invitation()
        if team.role is None:
            await _check_invitation(connection, team, actor.user_id, invitation)
            await _join(change, actor, invitation)
    return JoinedRead(
        team=team.slug, vault=team.vault_id, role=team.role or invitation.role
    )


async def _check_invitation(
    connection: Connection, team: Team, user_id: UUID, invitation: Invitation
) -> None:
    """Raise unless a user may join a team by an invitation."""
    invitations = InvitationRepository(connection)
    if not invitation.is_open:
        raise _no_such_invitation()
    if invitation.email is not None:
        email = await invitations.verified_email(user_id)
        if email is None or email.lower() != invitation.email.lower():
            raise PermissionDeniedError(
                "This invitation was sent to another address, or yours is not verified."
            )
    elif await invitations.was_removed(team.vault_id, user_id, invitation.created_at):
        # Who was removed may know a link that is still good for others.
        raise _no_such_invitation()
    if (
        team.member_limit is not None
        and team.member_count >= team.member_limit
        and not await is_counted(connection, team.account_id, user_id)
    ):
        raise _no_seat(team)


async def _join(change: TeamChange, actor: Actor, invitation: Invitation) -> None:
    assert actor.user_id is not None
    vault = change.team.vault_id
    members = MemberRepository(change.connection, vault)
    await members.add(actor.user_id, invitation.role, invitation.invited_by)
    await InvitationRepository(change.connection).use(vault, invitation.id)
    await change.record(
        Action.MEMBER_JOINED,
        actor.email,
        user=str(actor.user_id),
        role=invitation.role,
        by="mail" if invitation.email else "link",
    )


async def find_offer(connection: Connection, settings: Settings, token: str) -> Offer:
    """Return what an open invitation offers; raises NotFoundError."""
    offer = await InvitationRepository(connection).offer(_hash(settings, token))
    if offer is None:
        raise _no_such_invitation()
    return offer


async def write_mail(
    connection: Connection, settings: Settings, ids: Mapping[str, str]
) -> Letter | None:
    """Write the mail of an invitation; None if it is no longer open."""
    id = UUID(ids["invitation"])
    offer = await InvitationRepository(connection).offer_by_id(id)
    if offer is None or offer.email is None:
        return None
    text = _TEXT.format(
        inviter=offer.inviter or FORMER_MEMBER,
        team=offer.team_name,
        role=offer.role,
        url=_url(settings, id),
        email=offer.email,
        date=format_day(offer.expires_at),
    )
    return Letter(offer.email, _SUBJECT.format(team=offer.team_name), text)


def _read(found: OpenInvitation, url: str | None = None) -> InvitationRead:
    values = found._asdict() | {"invited_by": found.invited_by or FORMER_MEMBER}
    return InvitationRead(**values, url=url)


def _token(settings: Settings, id: UUID) -> str:
    digest = bytes.fromhex(hash_secret(settings.key, f"invitation {id}"))
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _url(settings: Settings, id: UUID) -> str:
    return f"{settings.public_url}/join/{_token(settings, id)}"


def _hash(settings: Settings, token: str) -> str:
    """Return the hash that is stored of a token; of no token, one that is not."""
    return hash_secret(settings.key, f"invited {token[:_LONGEST_TOKEN]}")


def _no_such_invitation() -> NotFoundError:
    return NotFoundError(
        "There is no such invitation: it has expired, was revoked or used, or is"
        " mistyped."
    )
