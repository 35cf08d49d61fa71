"""The flags of versions with likely secrets."""

import json
import sqlite3

from promptvault.domain.prompt import Content
from promptvault.domain.variable import variables_from_mapping
from promptvault.secret_scan import secret_types

_VERSIONS = "SELECT pk, body, variables, secrets FROM versions"
_SET_FLAGS = "UPDATE versions SET secrets = ? WHERE pk = ?"


def update_secret_flags(connection: sqlite3.Connection) -> None:
    """Set the flags of all versions by the current rules.

    Older versions may have been flagged by older rules.
    """
    for pk, body, variables, flagged in connection.execute(_VERSIONS):
        declared = variables_from_mapping(json.loads(variables))
        found = json.dumps(secret_types(Content(body, variables=declared)))
        if found != flagged:
            connection.execute(_SET_FLAGS, (found, pk))
