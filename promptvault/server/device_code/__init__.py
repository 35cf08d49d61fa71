"""The sign-in of a device, which a user approves in a browser."""
