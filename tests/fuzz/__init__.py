"""A coverage-guided fuzzer over every importer: ``python -m tests.fuzz``."""
