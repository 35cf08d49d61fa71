"""The history: a bare git repository with a commit for every change."""
