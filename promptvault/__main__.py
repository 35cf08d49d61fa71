"""``python -m promptvault``."""

from promptvault.cli.main import main

main()
