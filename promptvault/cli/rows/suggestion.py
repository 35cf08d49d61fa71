"""JSON rows of suggestions."""

import shlex

from promptvault.cli.rows.prompts import Row
from promptvault.services.suggestions.suggestion import Advice, Suggestion


def suggestions_row(found: Advice) -> Row:
    """Return suggestions as `suggest --json` prints them."""
    return {
        "prompts": found.prompts,
        "compared": found.compared,
        "suggestions": [
            _suggestion_row(suggestion) for suggestion in found.suggestions
        ],
    }


def _suggestion_row(suggestion: Suggestion) -> Row:
    return {
        "kind": suggestion.kind.value,
        "reason": suggestion.reason,
        "command": shlex.join(suggestion.command),
        "arguments": list(suggestion.command[1:]),
        "prompts": list(suggestion.prompts),
        "constants": [
            {
                "kind": constant.kind.value,
                "text": constant.text,
                "variable": constant.variable,
            }
            for constant in suggestion.constants
        ],
    }
