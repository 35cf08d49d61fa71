"""The table of commands: the one place where modules are imported late.

`--help`, completion and "did you mean" read this table and import no command.
"""

from typing import NamedTuple


class Entry(NamedTuple):
    """Where a command's function (or Typer app) is, and its one-line help."""

    target: str
    """``module:attribute`` within this package."""
    help: str
    panel: str
    free_options: bool = False
    """Whether words may begin with '-', as a query's ``-without``."""
    takes_name: bool = False
    """Whether the first argument is a prompt's name, which Tab completes."""


_PROMPTS, _VERSIONS, _UPKEEP = "Prompts", "Versions", "Upkeep"
_IMPORTS = "Import and export"
_SHARING = "Sharing"
_MODELS, _SYNC, _ACCOUNT, _SERVER = "Models", "Sync", "Account", "Server"

COMMANDS = {
    "add": Entry("edition:add", "Save a new prompt.", _PROMPTS),
    "get": Entry(
        "text:get", "Print a prompt's text, filled in.", _PROMPTS, takes_name=True
    ),
    "show": Entry(
        "retrieval:show", "Show a prompt with its details.", _PROMPTS, takes_name=True
    ),
    "list": Entry("retrieval:list_", "List prompts.", _PROMPTS),
    "search": Entry(
        "retrieval:search", "Search the text of all prompts.", _PROMPTS, True
    ),
    "pick": Entry("selection:pick", "Choose a prompt in a fuzzy picker.", _PROMPTS),
    "edit": Entry(
        "edition:edit", "Change a prompt in your editor.", _PROMPTS, takes_name=True
    ),
    "set": Entry(
        "edition:set_", "Change title, description and tags.", _PROMPTS, takes_name=True
    ),
    "move": Entry(
        "edition:move", "Rename a prompt or a folder.", _PROMPTS, takes_name=True
    ),
    "copy": Entry(
        "edition:copy", "Save a prompt under another name.", _PROMPTS, takes_name=True
    ),
    "delete": Entry(
        "removal:delete", "Move prompts to the trash.", _PROMPTS, takes_name=True
    ),
    "trash": Entry("removal:trash", "List, restore, empty the trash.", _PROMPTS),
    "lint": Entry(
        "quality:lint", "Find mistakes in prompts.", _PROMPTS, takes_name=True
    ),
    "scan": Entry("secret:scan", "Find keys and passwords in prompts.", _PROMPTS),
    "redact": Entry(
        "secret:redact", "Remove secrets from prompts.", _PROMPTS, takes_name=True
    ),
    "stats": Entry("quality:stats", "Draw what is in the vault.", _PROMPTS),
    "log": Entry(
        "version:log", "List a prompt's versions.", _VERSIONS, takes_name=True
    ),
    "diff": Entry("version:diff", "Compare two versions.", _VERSIONS, takes_name=True),
    "revert": Entry(
        "version:revert", "Go back to an older version.", _VERSIONS, takes_name=True
    ),
    "label": Entry(
        "version:label", "Name a version, as 'production'.", _VERSIONS, takes_name=True
    ),
    "run": Entry("running:run", "Send a prompt to a model.", _MODELS, takes_name=True),
    "runs": Entry(
        "running:runs", "List runs and their answers.", _MODELS, takes_name=True
    ),
    "eval": Entry(
        "evaluating:eval_", "Test a prompt on cases.", _MODELS, takes_name=True
    ),
    "suggest": Entry("suggesting:suggest", "Suggest what to do next.", _MODELS),
    "template": Entry(
        "templating:template", "Make templates, by hand or with a model.", _MODELS
    ),
    "spending": Entry("caching:spending", "Show what models cost.", _MODELS),
    "cache": Entry("caching:cache", "Show and delete cached answers.", _MODELS),
    "categorize": Entry(
        "categorizing:categorize",
        "Sort prompts into folders, with tags.",
        _MODELS,
        takes_name=True,
    ),
    "optimize": Entry(
        "optimizing:optimize", "Improve a prompt by scores.", _MODELS, takes_name=True
    ),
    "optimizations": Entry(
        "optimizing:optimizations", "List optimizations.", _MODELS, takes_name=True
    ),
    "import": Entry("importing:import_", "Import chats and files.", _IMPORTS),
    "imports": Entry("import_log:imports", "List, show, undo imports.", _IMPORTS),
    "export": Entry("exporting:export", "Write prompts to files.", _IMPORTS),
    "sync": Entry("sync:sync", "Sync with your other devices.", _SYNC),
    "vaults": Entry("vault:vaults", "List the vaults of this device.", _SYNC),
    "team": Entry("team:team", "Make, join and manage teams.", _SYNC),
    "conflicts": Entry("conflict:conflicts", "Show and settle sync conflicts.", _SYNC),
    "share": Entry(
        "sharing:share", "Share a prompt by a link.", _SHARING, takes_name=True
    ),
    "shares": Entry("sharing:shares", "List and end shares.", _SHARING),
    "login": Entry("account:login", "Sign in to a server.", _ACCOUNT),
    "logout": Entry("account:logout", "Sign out, here or everywhere.", _ACCOUNT),
    "whoami": Entry("account:whoami", "Show who is signed in.", _ACCOUNT),
    "devices": Entry("account:devices", "List and sign out devices.", _ACCOUNT),
    "billing": Entry("billing:billing", "Show, buy and manage your plan.", _ACCOUNT),
    "serve": Entry("operator.serve:serve", "Run a server.", _SERVER),
    "server": Entry("operator.server:server", "Manage a server's users.", _SERVER),
    "doctor": Entry("upkeep:doctor", "Check the vault, and repair it.", _UPKEEP),
    "backup": Entry("upkeep:backup", "Back up or restore everything.", _UPKEEP),
    "help": Entry("guide:help_", "Read about a topic or a command.", _UPKEEP),
    "config": Entry("configuration:config", "Read and change settings.", _UPKEEP),
}
