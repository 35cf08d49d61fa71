"""Teams: their settings, members, seats and protected labels."""
