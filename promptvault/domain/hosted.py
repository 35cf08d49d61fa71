"""The model of a PromptVault server, for users whose plan has it."""

from enum import StrEnum

HOSTED_MODEL = "promptvault-hosted"
"""Its name in answers; the server does not name the real one."""
TASK_HEADER = "PV-Task"
OPERATION_HEADER = "PV-Operation"
"""A random id. All requests with the same one are one optimization."""
KEY_HEADER = "Idempotency-Key"
"""The same request with the same key gets the same answer for 24 hours, once paid."""


class Task(StrEnum):
    """What an answer is for: the header `PV-Task`."""

    OPTIMIZE = "optimize"
    CATEGORIZE = "categorize"
    SUGGEST = "suggest"
    TEMPLATE = "template"
