"""Deliberate bugs of the protocol, as patches of the program: each must be found."""
