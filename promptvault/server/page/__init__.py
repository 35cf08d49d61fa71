"""Pages for people: sign up, sign in, let a device in. They need no JavaScript."""
