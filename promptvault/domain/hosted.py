"""The model of a PromptVault server, for users whose plan has it."""

from enum import StrEnum

HOSTED_MODEL = "promptvault-hosted"
"""Its name in requests and answers; the server does not name the real one."""


class HostedTask(StrEnum):
    """What a request to the server's model is for: the header `PV-Task`."""

    OPTIMIZE = "optimize"
    CATEGORIZE = "categorize"
    SUGGEST = "suggest"
    TEMPLATE = "template"
