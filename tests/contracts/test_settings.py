import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from src.config import Settings, render_env_example

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "QDRANT_URL", "OLLAMA_URL", "HOST", "PORT", "DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_production_names_everything_that_is_missing() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(_env_file=None, environment="production")
    for name in ("DATABASE_URL", "QDRANT_URL", "OLLAMA_URL", "STORAGE_URL", "AUTH_SECRET_KEY"):
        assert name in str(refused.value)


def test_production_starts_when_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@db/colloquy")
    monkeypatch.setenv("QDRANT_URL", "http://qdrant:6333")
    monkeypatch.setenv("OLLAMA_URL", "http://ollama:11434")
    monkeypatch.setenv("STORAGE_URL", "s3://bucket")
    monkeypatch.setenv("AUTH_SECRET_KEY", "s" * 32)
    assert Settings(_env_file=None).environment == "production"


def test_settings_have_plain_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_POOL_SIZE", "7")
    monkeypatch.setenv("OLLAMA_CHAT_MODEL", "a-model")
    monkeypatch.setenv("OLLAMA_HOST", "meant for Ollama itself")
    monkeypatch.setenv("DATA_DIR", "elsewhere")
    settings = Settings(_env_file=None)
    assert settings.database.pool_size == 7
    assert settings.ollama.chat_model == "a-model"
    assert settings.data_dir == Path("elsewhere")


def test_the_defaults_in_the_example_are_valid_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Somebody may uncomment every line."""
    monkeypatch.chdir(tmp_path)
    example = re.sub(r"(?m)^#([A-Z_]+=)", r"\1", render_env_example())
    (tmp_path / ".env").write_text(example)
    assert Settings() == Settings(_env_file=None)


def test_secrets_do_not_show() -> None:
    settings = Settings.model_validate({"auth": {"secret_key": "s3cr3t" * 8}})
    assert "s3cr3t" not in repr(settings)
