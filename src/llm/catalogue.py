"""Which models one Ollama server has, remembered for a short while."""

from src.llm.cache import ExpiringCache
from src.llm.client import OllamaClient
from src.llm.names import normalise_model_name
from src.llm.wire import InstalledModel


class ModelCatalogue:
    """`known` is what the server said last, by normalised name; None before it said anything."""

    def __init__(self, client: OllamaClient, ttl_seconds: float) -> None:
        self._client = client
        self._models = ExpiringCache(self._load, ttl_seconds)
        self.known: dict[str, InstalledModel] | None = None

    @property
    def is_fresh(self) -> bool:
        return self._models.knows(None)

    async def update(self, *, now: bool = False) -> None:
        """Ask the server when what is known is old, and in any case if `now`."""
        await (self._models.refresh(None) if now else self._models.get(None))

    def find(self, name: str) -> InstalledModel | None:
        return (self.known or {}).get(normalise_model_name(name))

    def forget(self) -> None:
        self._models.clear()

    async def _load(self, _key: None) -> None:
        models = await self._client.list_models()
        self.known = {normalise_model_name(model.name): model for model in models}
