"""Imports only go down, and each library is imported in one place only."""

import ast
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

import promptvault

PACKAGE = Path(promptvault.__file__).parent

FLOORS = {
    "__init__": 0,
    "errors": 0,
    "domain": 1,
    "home": 1,
    "setting_value": 1,
    "paths": 2,
    "logs": 2,
    "wire": 2,
    "front_matter": 2,
    "private_file": 2,
    "setting_key": 2,
    "secret_rules": 2,
    "secret_scan": 3,
    "config": 3,
    "vault": 4,
    "history": 4,
    "importers": 4,
    "providers": 4,
    "client": 4,
    "credentials": 4,
    "services": 5,
    "cli": 6,
    "server": 6,
    "__main__": 7,
}
"""A part may import itself, and parts of a lower floor."""

DOOR = "cli/commands/operator/"
"""The way from a tower into the other."""

SERVER_AVOIDS = {"vault", "history", "client", "services"}

TABLES = {
    "cli/program.py",
    "importers/__init__.py",
    "importers/registry.py",
    "vault/migrations/__init__.py",
}
"""Modules that import others by a table of names, when they are asked for."""

HOMES = {
    "git": ("history/*",),
    "openai": ("providers/*",),
    "genai_prices": ("providers/*",),
    "jsonschema": ("services/*",),
    "httpx": ("client/*", "server/oidc/*", "server/ai/*"),
    "keyring": ("credentials.py",),
    "sqlmodel": ("vault/*", "server/*"),
    "sqlalchemy": ("vault/*", "server/*"),
    "sqlite3": ("vault/*", "services/*", "importers/*"),
    "typer": ("cli/*",),
    "rich": ("cli/render/*", "cli/progress*.py", "cli/picker/*"),
    "textual": ("cli/*",),
    "prompt_toolkit": ("cli/picker/*",),
    "pyperclip": ("cli/clipboard.py",),
    "tomlkit": ("config.py",),
    "watchfiles": ("services/imports/folder_events.py",),
    "yaml": ("front_matter.py", "importers/*"),
    "jinja2": ("services/*", "server/*"),
    "rapidfuzz": ("services/*",),
    "detect_secrets": ("secret_rules.py",),
    "pydantic": ("wire/*", "server/*", "client/*", "providers/*"),
    "fastapi": ("server/*",),
    "starlette": ("server/*",),
    "uvicorn": ("server/*",),
    "psycopg": ("server/*",),
    "psycopg_pool": ("server/*",),
    "pydantic_settings": ("server/settings.py", "server/*/settings.py"),
    "stripe": ("server/billing/stripe_client.py",),
    "redis": ("server/redis/client.py",),
    "structlog": ("server/*",),
    "prometheus_client": ("server/metrics.py",),
    "argon2": ("server/*",),
    "jwt": ("server/oidc/*",),
    "cryptography": ("server/ai/*",),
    "standardwebhooks": ("server/webhook/*",),
    "alembic": ("server/*",),
}
"""The only files that may import a library."""

STDLIB_ONLY = ("domain/*", "errors.py")
IMPURE = {"os", "io", "pathlib", "socket", "subprocess", "time", "random", "tempfile"}
"""Modules of the standard library that the domain may not import."""


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the full name of everything that is imported anywhere in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(name: str, package: Path) -> str:
    """Return the part of the package that contains a full name."""
    part = name.split(".")[1]
    is_module = (package / part).is_dir() or (package / f"{part}.py").is_file()
    return part if is_module else "__init__"


def _arrow(file: str, name: str, package: Path) -> str | None:
    here = file.split("/")[0].removesuffix(".py")
    there = part_of(name, package)
    if here == there or (there == "server" and file.startswith(DOOR)):
        return None
    if FLOORS[there] >= FLOORS[here] or (here == "server" and there in SERVER_AVOIDS):
        return f"{file} must not import {name}"
    return None


def _library(file: str, library: str) -> str | None:
    homes = HOMES.get(library)
    if homes and not any(fnmatch(file, home) for home in homes):
        return f"{file} must not import {library}"
    pure = any(fnmatch(file, pattern) for pattern in STDLIB_ONLY)
    if pure and (library not in sys.stdlib_module_names or library in IMPURE):
        return f"{file} must not import {library}"
    return None


def _words(file: str, tree: ast.AST) -> Iterator[str]:
    """Yield what a module uses without importing it, which it must not."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield f"{file} imports relatively"
        word = getattr(node, "attr", None) or getattr(node, "id", None)
        word = word or getattr(node, "name", None)
        if word in {"import_module", "__import__"} and file not in TABLES:
            yield f"{file} must not import by a string"
        if word in {"environ", "getenv"} and file.startswith(("services/", "domain/")):
            yield f"{file} must not read the environment"
        # An argument may be called "now".
        is_clock = getattr(node, "attr", None) in {"now", "today"}
        if (is_clock or word in {"open", "print"}) and file.startswith("domain/"):
            yield f"{file} must not use {word}"


def violations(package: Path) -> list[str]:
    """Return every violation of the rules in *package*."""
    found: list[str | None] = []
    for path in sorted(package.rglob("*.py")):
        file = path.relative_to(package).as_posix()
        tree = ast.parse(path.read_text())
        found += _words(file, tree)
        for name in imported(tree):
            library = name.split(".")[0]
            if library == "promptvault":
                found.append(_arrow(file, name, package))
            else:
                found.append(_library(file, library))
    return [problem for problem in found if problem]


def test_imports_only_go_down() -> None:
    assert violations(PACKAGE) == []


def test_every_part_of_the_package_has_its_floor() -> None:
    parts = {path.stem for path in PACKAGE.glob("*.py")}
    parts |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert parts <= FLOORS.keys()


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("domain/prompt.py", "import yaml"),
        ("domain/prompt.py", "import os"),
        ("domain/prompt.py", "import promptvault.paths"),
        ("domain/prompt.py", "datetime.now(UTC)"),
        ("errors.py", "from promptvault.domain import prompt"),
        ("paths.py", "from promptvault import vault"),
        ("wire/prompt.py", "import httpx"),
        ("vault/reader.py", "from git import Repo"),
        ("vault/reader.py", "def f():\n    import rich.table"),
        ("vault/reader.py", "from promptvault.history import repository"),
        ("history/repository.py", "import sqlmodel"),
        ("importers/chats/claude.py", "from promptvault.vault.reader import Reader"),
        ("importers/chats/claude.py", "import typer"),
        ("services/prompts/edit.py", "import typer"),
        ("services/prompts/edit.py", "import os\nos.environ['HOME']"),
        ("services/prompts/edit.py", "from os import environ"),
        ("services/prompts/edit.py", "import git"),
        ("services/prompts/edit.py", "from promptvault.cli import render"),
        ("cli/rows/prompts.py", "import sqlalchemy.orm"),
        ("cli/rows/prompts.py", "import sqlite3"),
        ("cli/rows/prompts.py", "from rich.text import Text"),
        ("cli/rows/prompts.py", "from importlib import import_module"),
        ("cli/rows/prompts.py", "from promptvault.server import app"),
        ("cli/commands/text.py", "import prompt_toolkit"),
        ("server/app.py", "from promptvault.vault import reader"),
        ("server/app.py", "import openai"),
        ("client/http.py", "from promptvault.vault import reader"),
        ("client/http.py", "import keyring"),
    ],
)
def test_a_wrong_import_is_seen(tmp_path: Path, file: str, line: str) -> None:
    """A rule that cannot fail proves nothing."""
    for part in ("vault", "history", "cli", "server", "domain"):
        (tmp_path / part).mkdir()
    (tmp_path / "paths.py").touch()
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(line)
    assert violations(tmp_path)


def test_the_door_between_the_towers_is_open(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    (tmp_path / "cli" / "commands" / "operator").mkdir(parents=True)
    line = "from promptvault.server import app"
    (tmp_path / "cli" / "commands" / "operator" / "server.py").write_text(line)
    assert violations(tmp_path) == []
