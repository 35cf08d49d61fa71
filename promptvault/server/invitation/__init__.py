"""Invitations to a team: by mail to one address, or by a link."""
