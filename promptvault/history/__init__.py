"""The history: every change a commit in a bare git repository."""
