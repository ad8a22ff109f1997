"""What schemathesis is told of this API."""

from typing import Any

import schemathesis

_MALFORMED = {"validation_failed", "malformed_body", "malformed_json"}
_EVENT_STREAM = "text/event-stream"


@schemathesis.hook
def before_load_schema(_: schemathesis.HookContext, document: dict[str, Any]) -> None:
    """Say what an event is as OpenAPI 3.2 does; ours says what its data is, for code generators."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                if events := response.get("content", {}).get(_EVENT_STREAM):
                    content = {"contentMediaType": "application/json"}
                    data = {"type": "string", "contentSchema": events.pop("schema"), **content}
                    events["itemSchema"] = {"properties": {"data": data}, "required": ["data"]}


@schemathesis.check
def what_the_schema_allows_is_well_formed(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """A request that the document allows may be refused for what it asks, never for its form."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code in (400, 422):
        problem = response.json()
        code = problem.get("error", problem)["code"]
        # `format: email` allows domains that nobody has mail at, such as those that end in `.test`.
        is_excused = "not a valid email address" in response.text
        assert code not in _MALFORMED or is_excused, f"{code}: {response.text}"
