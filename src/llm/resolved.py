"""Models as they are used: with the window they get, what they can, and what vectors mean."""

import hashlib
import json
from dataclasses import asdict, dataclass

from src.llm.exceptions import ModelCapabilityError
from src.llm.preferences import ModelPreferences
from src.llm.schemas import ChatOptions, Think
from src.llm.wire import GenerationOptions, InstalledModel, ModelDetails


@dataclass(frozen=True, slots=True)
class ChatModel:
    """An installed model that answers. `capabilities` is None when an old server does not tell."""

    name: str
    digest: str
    capabilities: frozenset[str] | None
    num_ctx: int
    num_predict: int

    @property
    def prompt_tokens(self) -> int:
        """What the context window leaves for a prompt when the answer takes all it may."""
        return self.num_ctx - self.num_predict

    @property
    def can_think(self) -> bool:
        return self.capabilities is not None and "thinking" in self.capabilities


@dataclass(frozen=True, slots=True)
class EmbeddingIdentity:
    """Everything that decides what a vector means: vectors of two identities never mix."""

    model: str
    digest: str
    dimension: int
    query_prefix: str
    document_prefix: str

    @property
    def collection_name(self) -> str:
        identity = json.dumps(asdict(self), sort_keys=True).encode()
        return f"chunks_{hashlib.sha256(identity).hexdigest()[:16]}"


def resolve_chat_model(
    model: InstalledModel, details: ModelDetails, preferences: ModelPreferences
) -> ChatModel:
    if details.capabilities is not None and "completion" not in details.capabilities:
        raise ModelCapabilityError(f"The model '{model.name}' cannot chat. Choose another one.")
    window = preferences.get_num_ctx(model.name)
    num_ctx = min(window, get_context_length(model, details) or window)
    return ChatModel(
        name=model.name,
        digest=model.digest,
        capabilities=None if details.capabilities is None else frozenset(details.capabilities),
        num_ctx=num_ctx,
        # At least half of a small window is left for the prompt.
        num_predict=min(preferences.get_num_predict(model.name), num_ctx // 2),
    )


def get_context_length(model: InstalledModel, details: ModelDetails) -> int | None:
    return details.context_length or model.details.context_length


def check_capabilities(model: ChatModel, *, think: Think, has_images: bool) -> None:
    """Raise when a model lacks what is asked of it; an old server does not tell what it has."""
    if model.capabilities is None:
        return
    if think and not model.can_think:
        raise ModelCapabilityError(f"The model '{model.name}' cannot think aloud.")
    if has_images and "vision" not in model.capabilities:
        raise ModelCapabilityError(f"The model '{model.name}' cannot look at images.")


def make_options(model: ChatModel, options: ChatOptions | None) -> GenerationOptions:
    chosen = options.model_dump(exclude_none=True) if options else {}
    chosen["num_predict"] = min(chosen.get("num_predict", model.num_predict), model.num_predict)
    return GenerationOptions(num_ctx=model.num_ctx, **chosen)
