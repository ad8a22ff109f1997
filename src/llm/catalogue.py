"""Which models one Ollama server has, remembered for a short while."""

from collections.abc import Sequence

from src.llm.cache import ExpiringCache
from src.llm.client import OllamaClient
from src.llm.exceptions import ModelNotFoundError
from src.llm.names import normalise_model_name
from src.llm.wire import InstalledModel, ModelDetails


class ModelCatalogue:
    """Details are kept by model and digest: they are asked for anew when a model is replaced."""

    def __init__(self, client: OllamaClient, ttl_seconds: float) -> None:
        self._client = client
        self._models = ExpiringCache(self._load_models, ttl_seconds)
        self._details = ExpiringCache(self._load_details, ttl_seconds)

    async def list_models(self) -> list[InstalledModel]:
        return await self._models.get(None)

    async def refresh_models(self) -> list[InstalledModel]:
        return await self._models.refresh(None)

    def forget(self) -> None:
        self._models.clear()

    async def find_model(self, name: str) -> InstalledModel:
        """Find a model by any spelling of its name, even one that was pulled a moment ago."""
        try:
            return pick_model(await self.list_models(), name)
        except ModelNotFoundError:
            return pick_model(await self.refresh_models(), name)

    async def get_details(self, model: InstalledModel) -> ModelDetails:
        return await self._details.get(model)

    async def _load_models(self, _key: None) -> list[InstalledModel]:
        return await self._client.list_models()

    async def _load_details(self, model: InstalledModel) -> ModelDetails:
        return await self._client.show_model(model.name)


def pick_model(models: Sequence[InstalledModel], name: str) -> InstalledModel:
    wanted = normalise_model_name(name)
    for model in models:
        if normalise_model_name(model.name) == wanted:
            return model
    raise ModelNotFoundError(name)
