import json
from collections.abc import Iterator
from pathlib import Path

from src.access import render_access
from src.config import Settings, render_configuration, render_env_example
from src.main import create_app
from src.schemas import InputSchema

ROOT = Path(__file__).parents[2]


def test_the_openapi_document_is_current() -> None:
    """Run `make openapi` when this fails."""
    stored = json.loads((ROOT / "docs" / "openapi.json").read_text())
    assert create_app(Settings(_env_file=None)).openapi() == stored


def test_the_table_of_access_is_current() -> None:
    """Run `make access` when this fails."""
    document = create_app(Settings(_env_file=None)).openapi()
    assert (ROOT / "docs" / "access.md").read_text() == render_access(document)


def test_the_example_of_an_environment_equals_the_settings() -> None:
    """Run `make env-example` when this fails."""
    assert (ROOT / ".env.example").read_text() == render_env_example()


def test_every_example_is_one() -> None:
    shown = [kind for kind in iter_inputs(InputSchema) if "json_schema_extra" in kind.model_config]
    assert len(shown) > 10
    for kind in shown:
        for example in kind.model_json_schema()["examples"]:
            kind.model_validate(example)


def iter_inputs(kind: type[InputSchema]) -> Iterator[type[InputSchema]]:
    for child in kind.__subclasses__():
        yield child
        yield from iter_inputs(child)


def test_the_reference_of_settings_is_current() -> None:
    """Run `make configuration` when this fails."""
    assert (ROOT / "docs" / "configuration.md").read_text() == render_configuration()


def test_every_operation_describes_itself() -> None:
    document = create_app(Settings(_env_file=None)).openapi()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["description"], where
            tag = operation["tags"][0]
            assert operation["operationId"].startswith(f"{tag}_"), where
            for status, response in operation["responses"].items():
                if status[0] in "45" and not path.startswith("/health/"):
                    shape = "json" if path.startswith("/v1/") else "problem+json"
                    assert list(response["content"]) == [f"application/{shape}"], where
