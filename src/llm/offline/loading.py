"""Which models are loaded and until when, as /api/ps shows it."""

import re
from dataclasses import dataclass
from time import time_ns

from src.llm.offline.library import OfflineModel
from src.llm.offline.refusals import RefusedError

KeepAlive = str | float | None

_NANOSECONDS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9,
                "h": 3600 * 10**9}  # fmt: skip
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")
_DURATION = re.compile(rf"(-?)((?:{_PART.pattern})+)")
_DEFAULT = 5 * _NANOSECONDS["m"]
_FOREVER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class LoadedModel:
    model: OfflineModel
    num_ctx: int
    expires_at_ns: int


class LoadedModels:
    def __init__(self) -> None:
        self._loaded: dict[str, LoadedModel] = {}

    def load(self, model: OfflineModel, num_ctx: int, keep_alive: KeepAlive) -> None:
        """Keep a model from now on; a `keep_alive` of zero unloads it."""
        lifetime = parse_keep_alive(keep_alive)
        self._loaded.pop(model.name, None)
        if lifetime:
            self._loaded[model.name] = LoadedModel(model, num_ctx, time_ns() + lifetime)

    def list_loaded(self) -> list[LoadedModel]:
        now = time_ns()
        return [loaded for loaded in self._loaded.values() if loaded.expires_at_ns > now]


def parse_keep_alive(value: KeepAlive) -> int:
    """Return nanoseconds of a number of seconds or of a Go duration; negative is for ever."""
    if value is None:
        return _DEFAULT
    lifetime = _parse_duration(value) if isinstance(value, str) else round(value * 10**9)
    return _FOREVER if lifetime < 0 else min(lifetime, _FOREVER)


def _parse_duration(text: str) -> int:
    match = _DURATION.fullmatch(text)
    if match is None:
        fault = "missing unit in" if re.fullmatch(r"-?\d+", text) else "invalid"
        raise RefusedError(400, f'time: {fault} duration "{text}"')
    parts = _PART.findall(match[2])
    total = round(sum(float(number) * _NANOSECONDS[unit] for number, unit in parts))
    return -total if match[1] else total
