"""What an operator settled about single models: other names, and what differs from the rest."""

from src.config import ModelDefaults, OllamaSettings
from src.llm.names import normalise_model_name
from src.llm.prefixes import EmbeddingPrefixes, get_prefixes

_NOTHING = ModelDefaults()


class ModelPreferences:
    def __init__(self, settings: OllamaSettings) -> None:
        self._settings = settings
        self._aliases = {normalise_model_name(k): v for k, v in settings.aliases.items()}
        self._defaults = {normalise_model_name(k): v for k, v in settings.model_defaults.items()}

    def resolve(self, name: str) -> str:
        """Return what a name stands for: an alias goes before a model of the same name."""
        return self._aliases.get(normalise_model_name(name), name)

    def list_aliases(self, model: str) -> list[str]:
        wanted = normalise_model_name(model)
        aliases = self._settings.aliases
        return [alias for alias, name in aliases.items() if normalise_model_name(name) == wanted]

    def get_num_ctx(self, model: str) -> int:
        return self._get(model).num_ctx or self._settings.num_ctx

    def get_num_predict(self, model: str) -> int:
        return self._get(model).num_predict or self._settings.num_predict

    def get_keep_alive(self, model: str) -> str:
        return self._get(model).keep_alive or self._settings.keep_alive

    def get_prefixes(self, model: str) -> EmbeddingPrefixes:
        """Return what was settled for the model, for all models, or what its makers advise."""
        given, own = self._get(model), get_prefixes(model)
        return EmbeddingPrefixes(
            query=_choose(given.query_prefix, self._settings.query_prefix, own.query),
            document=_choose(given.document_prefix, self._settings.document_prefix, own.document),
        )

    def _get(self, model: str) -> ModelDefaults:
        return self._defaults.get(normalise_model_name(model), _NOTHING)


def _choose(*values: str | None) -> str:
    """Return the first that is given; an empty text is."""
    return next((value for value in values if value is not None), "")
