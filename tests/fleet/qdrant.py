"""A stand-in for a Qdrant server: its REST API over the in-memory engine of its own client.

No Qdrant binary comes from a package registry. Requests are decoded with the client's own models,
so what Colloquy sends is checked; speed, clusters, gRPC and durability are not what this shows.
`python -m tests.fleet.qdrant PORT` runs it.
"""

import sys
import time
import warnings
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from pydantic import TypeAdapter
from qdrant_client import AsyncQdrantClient, models
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Answer = Callable[[Request], Awaitable[Any]]

_FILTER_OR_IDS: TypeAdapter[models.PointsSelector] = TypeAdapter(models.PointsSelector)
_INSERT: TypeAdapter[models.PointInsertOperations] = TypeAdapter(models.PointInsertOperations)


class QdrantStandIn:
    """Also counts how often each point was written, which a real server would not tell."""

    def __init__(self) -> None:
        self._client = AsyncQdrantClient(":memory:")
        self._writes: Counter[str] = Counter()

    @property
    def app(self) -> Starlette:
        one, points = "/collections/{name}", "/collections/{name}/points"
        return Starlette(
            routes=[
                _route("GET", "/collections", self._list),
                _route("GET", f"{one}/exists", self._exists),
                _route("PUT", one, self._create),
                _route("DELETE", one, self._drop),
                _route("PUT", f"{one}/index", self._index),
                _route("PUT", points, self._upsert),
                _route("POST", f"{points}/payload", self._set_payload),
                _route("POST", f"{points}/delete", self._delete),
                _route("POST", f"{points}/query", self._query),
                _route("POST", f"{points}/scroll", self._scroll),
                _route("POST", f"{points}/count", self._count),
                _route("GET", "/writes", self._list_writes),
            ],
            exception_handlers={ValueError: _refuse},
        )

    async def _list(self, _: Request) -> object:
        return await self._client.get_collections()

    async def _exists(self, request: Request) -> object:
        return {"exists": await self._client.collection_exists(request.path_params["name"])}

    async def _create(self, request: Request) -> object:
        wanted = models.CreateCollection.model_validate(await request.json())
        return await self._client.create_collection(
            request.path_params["name"],
            vectors_config=wanted.vectors,
            sparse_vectors_config=wanted.sparse_vectors,
        )

    async def _drop(self, request: Request) -> object:
        return await self._client.delete_collection(request.path_params["name"])

    async def _index(self, request: Request) -> object:
        models.CreateFieldIndex.model_validate(await request.json())
        return models.UpdateResult(status=models.UpdateStatus.COMPLETED)

    async def _upsert(self, request: Request) -> object:
        batch = _INSERT.validate_python(await request.json())
        assert isinstance(batch, models.PointsList)
        self._writes.update(str(point.id) for point in batch.points)
        return await self._client.upsert(request.path_params["name"], batch.points)

    async def _set_payload(self, request: Request) -> object:
        wanted = models.SetPayload.model_validate(await request.json())
        assert wanted.filter is not None
        name = request.path_params["name"]
        return await self._client.set_payload(name, wanted.payload, wanted.filter)

    async def _delete(self, request: Request) -> object:
        selector = _FILTER_OR_IDS.validate_python(await request.json())
        return await self._client.delete(request.path_params["name"], selector)

    async def _query(self, request: Request) -> object:
        wanted = models.QueryRequest.model_validate(await request.json())
        fields = {name: getattr(wanted, name) for name in ("query", "using", "prefetch", "limit")}
        return await self._client.query_points(
            request.path_params["name"],
            **fields,
            query_filter=wanted.filter,
            search_params=wanted.params,
            with_payload=False,
        )

    async def _scroll(self, request: Request) -> object:
        wanted = models.ScrollRequest.model_validate(await request.json())
        records, offset = await self._client.scroll(
            request.path_params["name"],
            scroll_filter=wanted.filter,
            offset=wanted.offset,
            limit=wanted.limit or 10,
            with_payload=False,
        )
        return {"points": records, "next_page_offset": offset}

    async def _count(self, request: Request) -> object:
        wanted = models.CountRequest.model_validate(await request.json())
        return await self._client.count(request.path_params["name"], wanted.filter, exact=True)

    async def _list_writes(self, _: Request) -> object:
        return self._writes


def _route(method: str, path: str, answer: Answer) -> Route:
    adapter: TypeAdapter[Any] = TypeAdapter(Any)

    async def respond(request: Request) -> Response:
        started_at = time.perf_counter()
        result = adapter.dump_python(await answer(request), mode="json")
        seconds = time.perf_counter() - started_at
        return JSONResponse({"result": result, "status": "ok", "time": seconds})

    return Route(path, respond, methods=[method])


async def _refuse(_: Request, error: Exception) -> Response:
    status = 404 if str(error).endswith("not found") else 400
    return JSONResponse({"status": {"error": str(error)}, "time": 0.0}, status)


if __name__ == "__main__":
    warnings.filterwarnings("ignore", message="Payload indexes have no effect")
    uvicorn.run(QdrantStandIn().app, port=int(sys.argv[1]), log_level="warning")
