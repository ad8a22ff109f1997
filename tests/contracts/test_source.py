"""Rules of the house that no linter knows."""

import ast
import subprocess
import sys
from pathlib import Path

SRC = Path(__file__).parents[2] / "src"


def test_only_the_database_module_commits() -> None:
    committing = [
        path.relative_to(SRC).as_posix()
        for path in SRC.rglob("*.py")
        if any(
            isinstance(node, ast.Attribute) and node.attr == "commit"
            for node in ast.walk(ast.parse(path.read_text()))
        )
    ]
    assert committing == ["database.py"]


def test_nothing_raises_the_exceptions_of_the_framework() -> None:
    for path in SRC.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                assert ast.unparse(node.exc.func) != "HTTPException", path


def test_importing_the_application_does_nothing() -> None:
    """No client, no setting and no file: only definitions."""
    program = "import os, threading, src.main; print(threading.active_count(), os.listdir('.'))"
    before = subprocess.run(  # noqa: S603, our own interpreter
        [sys.executable, "-c", program],
        cwd=SRC.parent,
        env={"PATH": "", "ENVIRONMENT": "production"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert before.stdout.startswith("1 ")
    assert before.stderr == ""
