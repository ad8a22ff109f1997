"""Rules of the house that no linter knows."""

import ast
import subprocess
import sys
from pathlib import Path

from fastapi.routing import APIRoute
from starlette.routing import Match

from src.config import Settings
from src.main import create_app
from src.routes import ModuleRouter

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


def test_how_an_address_begins_belongs_to_one_router() -> None:
    """Or the first of two would say for the other that there is nothing."""
    included = [getattr(route, "original_router", None) for route in create_app(Settings()).routes]
    routers = [router for router in included if isinstance(router, ModuleRouter)]
    paths = {r.path for router in routers for r in router.routes if isinstance(r, APIRoute)}
    assert len(paths) > 40
    for path in paths:
        scope = {"type": "http", "method": "GET", "path": path}
        matching = [router for router in routers if router.matches(scope)[0] is Match.FULL]
        assert len(matching) == 1, path
