"""The marks on versions that hold likely secrets, brought up to today's rules."""

import json
import sqlite3

from promptvault.domain.prompt import Content
from promptvault.domain.variable import variables_from_mapping
from promptvault.secret_scan import secret_types

_VERSIONS = "SELECT pk, body, variables, secrets FROM versions"
_MARK = "UPDATE versions SET secrets = ? WHERE pk = ?"


def update_secret_flags(connection: sqlite3.Connection) -> None:
    """Look through the text of every version, and mark those that hold secrets."""
    for pk, body, variables, marked in connection.execute(_VERSIONS):
        declared = variables_from_mapping(json.loads(variables))
        found = json.dumps(secret_types(Content(body, variables=declared)))
        if found != marked:
            connection.execute(_MARK, (found, pk))
