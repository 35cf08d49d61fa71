"""Who owns a team: transfers, and teams of users who are deleted."""
