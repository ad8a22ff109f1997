"""How each program tells what it tried: a line of JSON for each, on stdout.

`COLLOQUY_URL` and `COLLOQUY_TOKEN` say where and as whom; `OLLAMA_HOST` is a stand-in for Ollama.
"""

import json
import os
import traceback
from collections.abc import Callable

BASE_URL = os.environ["COLLOQUY_URL"] + "/v1"
TOKEN = os.environ["COLLOQUY_TOKEN"]
MODEL = "offline-chat"
QUESTION = "Who discovered oxygen?"
ANSWER = "Carl Wilhelm Scheele"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tell the weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


def run(program: str, version: str, checks: dict[str, Callable[[], None]]) -> None:
    for name, check in checks.items():
        problem = None
        try:
            check()
        except Exception:  # noqa: BLE001, whatever it is, it is what there is to tell
            problem = traceback.format_exc(limit=-3)
        found = {"program": program, "version": version, "check": name, "problem": problem}
        print(json.dumps(found), flush=True)


def expect(found: object, *, told: object = None) -> None:
    if not found:
        raise AssertionError(f"unexpected: {told!r}")
