"""What runs when no URL is set: PostgreSQL, the offline models, their data folder."""

from src.embedded.data_dir import load_secret, lock_data_dir
from src.embedded.exceptions import DataDirInUseError, EmbeddedError
from src.embedded.models import find_ollama, run_offline_models
from src.embedded.postgres import run_postgres

__all__ = [
    "DataDirInUseError",
    "EmbeddedError",
    "find_ollama",
    "load_secret",
    "lock_data_dir",
    "run_offline_models",
    "run_postgres",
]
