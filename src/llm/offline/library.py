"""The models of the offline server and how Ollama would describe them."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import time_ns
from typing import Literal

from starlette.responses import Response

from src.llm.names import normalise_model_name
from src.llm.offline.embedding import DIMENSION
from src.llm.offline.encoding import format_timestamp, omit_empty

_FOLDER = Path(__file__).parent
_STARTED_AT = format_timestamp(time_ns())
_VALID_NAME = re.compile(r"(?:[\w.:-]+/){0,2}\w[\w.-]{0,79}(?::\w[\w.-]{0,79})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class OfflineModel:
    """`code` names the files that are the model; `misbehave` replaces its answers in tests."""

    name: str
    capability: Literal["completion", "embedding"]
    context_length: int
    code: tuple[str, ...]
    misbehave: Callable[[], Response] | None = None
    can_call_tools: bool = False

    @property
    def capabilities(self) -> list[str]:
        return [self.capability, "tools"] if self.can_call_tools else [self.capability]

    @property
    def family(self) -> str:
        return self.name.partition(":")[0]

    @property
    def embedding_length(self) -> int:
        return DIMENSION if self.capability == "embedding" else 0


CHAT_MODEL = OfflineModel(
    name="offline-chat:latest",
    capability="completion",
    context_length=32_768,
    code=("answering.py", "passages.py", "sentences.py", "tokens.py"),
)
EMBED_MODEL = OfflineModel(
    name="offline-embed:latest", capability="embedding", context_length=2048, code=("embedding.py",)
)


class Library:
    def __init__(self, models: Iterable[OfflineModel]) -> None:
        self._models = {model.name: model for model in models}

    def __iter__(self) -> Iterator[OfflineModel]:
        return iter(self._models.values())

    def find(self, name: str) -> OfflineModel | None:
        return self._models.get(normalise_model_name(name))


def is_valid_name(name: str) -> bool:
    return _VALID_NAME.fullmatch(name) is not None


@cache
def read_code(model: OfflineModel) -> bytes:
    return b"".join((_FOLDER / name).read_bytes() for name in model.code)


def compute_digest(model: OfflineModel) -> str:
    """Digest the model's code: a changed embedding is another model, so indexes are made anew."""
    return hashlib.sha256(model.name.encode() + b"\n" + read_code(model)).hexdigest()


def describe_model(model: OfflineModel) -> dict[str, object]:
    """Describe a model as in /api/tags."""
    lengths = {"context_length": model.context_length, "embedding_length": model.embedding_length}
    return {
        "name": model.name,
        "model": model.name,
        "modified_at": _STARTED_AT,
        "size": len(read_code(model)),
        "digest": compute_digest(model),
        "details": {**describe_family(model), **omit_empty(lengths)},
        "capabilities": model.capabilities,
    }


def describe_family(model: OfflineModel) -> dict[str, object]:
    return {
        "parent_model": "",
        "format": "python",
        "family": model.family,
        "families": [model.family],
        "parameter_size": "0",
        "quantization_level": "none",
    }


def describe_details(model: OfflineModel) -> dict[str, object]:
    """Describe a model as in /api/show."""
    lengths = {
        f"{model.family}.context_length": model.context_length,
        f"{model.family}.embedding_length": model.embedding_length,
    }
    return {
        "modelfile": f"# {model.name} is built in\nFROM {model.name}\n",
        "template": "{{ .Prompt }}",
        "details": describe_family(model),
        "model_info": {"general.architecture": model.family, **omit_empty(lengths)},
        "capabilities": model.capabilities,
        "modified_at": _STARTED_AT,
    }
