"""Fills in the backing services that no setting names, so that the rest only ever sees URLs."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog
from pydantic import SecretStr

from src.config import Settings
from src.embedded.data_dir import load_secret, lock_data_dir
from src.embedded.models import find_ollama, run_offline_models
from src.embedded.postgres import run_postgres

log = structlog.get_logger(__name__)

_LOCAL_OLLAMA = "http://127.0.0.1:11434"
# Embeddings that know words only add little to a search by words; decision 0005 has the table.
_OFFLINE_WEIGHT = 0.1
# They mostly sleep between two words.
_OFFLINE_CONCURRENCY = 256


@dataclass(frozen=True, slots=True)
class BackingServices:
    """Settings without gaps, and the names of the parts that run on this machine because of us."""

    settings: Settings
    embedded: frozenset[str]


@asynccontextmanager
async def run_missing_services(settings: Settings) -> AsyncIterator[BackingServices]:
    """Run what is missing until the context exits. Raises `EmbeddedError` when it cannot."""
    embedded: set[str] = set()
    async with AsyncExitStack() as stack:
        if _is_anything_missing(settings):
            stack.enter_context(lock_data_dir(settings.data_dir))
        update: dict[str, object] = {}
        if settings.auth.secret_key is None:
            key = load_secret(settings.data_dir)
            update["auth"] = settings.auth.model_copy(update={"secret_key": key})
        if settings.database.url is None:
            url = SecretStr(await stack.enter_async_context(run_postgres(settings.data_dir)))
            update["database"] = settings.database.model_copy(update={"url": url})
            embedded.add("database")
        if settings.ollama.url is None:
            update |= await _find_models(settings, stack, embedded)
        if settings.qdrant.url is None:
            embedded.add("vectors")
        if settings.storage.url is None:
            embedded.add("storage")
        yield BackingServices(settings.model_copy(update=update), frozenset(embedded))


@asynccontextmanager
async def run_database(settings: Settings) -> AsyncIterator[str]:
    """Yield the URL of the database alone, embedded if need be. Raises `EmbeddedError`."""
    if settings.database.url is not None:
        yield settings.database.url.get_secret_value()
        return
    with lock_data_dir(settings.data_dir):
        async with run_postgres(settings.data_dir) as url:
            yield url


def _is_anything_missing(settings: Settings) -> bool:
    parts = (
        settings.auth.secret_key,
        settings.database.url,
        settings.qdrant.url,
        settings.storage.url,
    )
    return None in parts


async def _find_models(
    settings: Settings, stack: AsyncExitStack, embedded: set[str]
) -> dict[str, object]:
    """Use the Ollama of this machine, or else the built-in models, which say what they are."""
    if await find_ollama(_LOCAL_OLLAMA):
        return {"ollama": settings.ollama.model_copy(update={"url": _LOCAL_OLLAMA})}
    log_path = settings.data_dir / "offline-models.log"
    url = await stack.enter_async_context(run_offline_models(log_path))
    embedded.add("models")
    log.warning(
        "NO OLLAMA FOUND: answering with the built-in offline models, which only quote passages. "
        "Start Ollama or set OLLAMA_URL for real answers."
    )
    models = {
        "url": url,
        "chat_model": "offline-chat",
        "embed_model": "offline-embed",
        "concurrency": _OFFLINE_CONCURRENCY,
    }
    return {
        "ollama": settings.ollama.model_copy(update=models),
        "documents": settings.documents.model_copy(update={"dense_weight": _OFFLINE_WEIGHT}),
    }
