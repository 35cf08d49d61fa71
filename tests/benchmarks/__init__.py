"""The speed of PromptVault, as ratios of whole processes in one run.

Not collected by pytest: no test depends on time. `python -m tests.benchmarks` prints
the table of the README.
"""
