"""`promptvault.importers` is complete for a plugin, and imports nothing until used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import promptvault.importers

EXAMPLE = Path(__file__).parents[2] / "examples/org-importer/promptvault_org.py"


@pytest.mark.parametrize("name", promptvault.importers.__all__)
def test_every_name_exists(name: str) -> None:
    assert getattr(promptvault.importers, name) is not None


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = promptvault.importers.Nothing


def test_every_function_is_in_the_documentation() -> None:
    text = promptvault.importers.__doc__ or ""
    functions = {name for name in promptvault.importers.__all__ if name.islower()}
    assert {name for name in functions if f"`{name}`" not in text} == set()


def test_importing_the_package_imports_no_module_of_it() -> None:
    code = """import sys, promptvault.importers
print([name for name in sys.modules if name.startswith('promptvault.')])"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['promptvault.importers']"


def test_the_example_imports_from_the_package_alone() -> None:
    imports = [
        node.module
        for node in ast.walk(ast.parse(EXAMPLE.read_text()))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("promptvault")
    ]
    assert imports == ["promptvault.importers"]
