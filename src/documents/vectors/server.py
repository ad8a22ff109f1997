"""Vectors in a Qdrant server or cluster, shared by as many processes as wanted."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final
from uuid import UUID

from grpc import StatusCode  # type: ignore[import-untyped]  # grpcio ships no types
from grpc.aio import AioRpcError  # type: ignore[import-untyped]  # the same
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from src.config import QdrantSettings
from src.documents.exceptions import UnknownCollectionError, VectorsUnavailableError
from src.documents.vectors.base import (
    DENSE,
    PREFETCH_FACTOR,
    RRF_K,
    SPARSE,
    ChunkPoint,
    Hit,
    HybridQuery,
    Scope,
    SparseVector,
)

_NOT_FOUND: Final = 404
_PAYLOAD_INDEXES: Final[Mapping[str, models.UuidIndexParams | models.KeywordIndexParams]] = {
    "user_id": models.UuidIndexParams(type=models.UuidIndexType.UUID, is_tenant=True),
    "document_id": models.UuidIndexParams(type=models.UuidIndexType.UUID),
    "tags": models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD),
}

# Compressed vectors stay in memory and find candidates; the full ones decide among those.
_QUANTIZATIONS: Final[
    Mapping[str, models.ScalarQuantization | models.BinaryQuantization | None]
] = {
    "none": None,
    "scalar": models.ScalarQuantization(
        scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
    ),
    "binary": models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True)),
}


def create_qdrant_client(settings: QdrantSettings) -> AsyncQdrantClient:
    """A client that connects lazily: a server that is down shows at the first call, not here."""
    return AsyncQdrantClient(
        url=settings.url,
        api_key=settings.api_key.get_secret_value() if settings.api_key else None,
        prefer_grpc=settings.prefer_grpc,
        timeout=math.ceil(settings.timeout_seconds),
        # The check is a blocking request inside the constructor.
        check_compatibility=False,
    )


class ServerVectorIndex:
    """Owns the client: `close` closes it."""

    def __init__(self, client: AsyncQdrantClient, settings: QdrantSettings | None = None) -> None:
        self._client = client
        self._settings = settings or QdrantSettings()

    async def create_collection(self, name: str, dimension: int) -> None:
        with _map_client_errors():
            if not await self._client.collection_exists(name):
                await self._create(name, dimension)
            for field, params in _PAYLOAD_INDEXES.items():
                await self._client.create_payload_index(name, field, params, wait=True)

    async def list_collections(self) -> list[str]:
        with _map_client_errors():
            answer = await self._client.get_collections()
        return sorted(collection.name for collection in answer.collections)

    async def upsert(self, collection: str, points: Sequence[ChunkPoint]) -> None:
        if not points:
            return
        with _map_client_errors():
            await self._client.upsert(collection, [_build_point(p) for p in points], wait=True)

    async def update_tags(
        self, collection: str, user_id: UUID, document_id: UUID, tags: tuple[str, ...]
    ) -> None:
        target = _build_filter(Scope(user_id, (document_id,)))
        with suppress(UnknownCollectionError), _map_client_errors():
            await self._client.set_payload(collection, {"tags": list(tags)}, target, wait=True)

    async def search(
        self, collection: str, query: HybridQuery, scope: Scope, limit: int
    ) -> list[Hit]:
        if scope.is_empty or not query.weights:
            return []
        with suppress(UnknownCollectionError), _map_client_errors():
            answer = await self._query(collection, query, scope, limit)
            return [Hit(UUID(str(point.id)), point.score) for point in answer.points]
        return []

    async def delete_document(self, collection: str, user_id: UUID, document_id: UUID) -> None:
        target = models.FilterSelector(filter=_build_filter(Scope(user_id, (document_id,))))
        with suppress(UnknownCollectionError), _map_client_errors():
            await self._client.delete(collection, target, wait=True)

    async def delete_user(self, collection: str, user_id: UUID) -> None:
        target = models.FilterSelector(filter=_build_filter(Scope(user_id)))
        with suppress(UnknownCollectionError), _map_client_errors():
            await self._client.delete(collection, target, wait=True)

    async def list_points(
        self, collection: str, after: UUID | None, limit: int, scope: Scope | None = None
    ) -> list[UUID]:
        """The server's offset is the first id to return, so one more is read and left out."""
        with suppress(UnknownCollectionError), _map_client_errors():
            records, _ = await self._client.scroll(
                collection,
                offset=None if after is None else str(after),
                limit=limit + 1,
                scroll_filter=None if scope is None else _build_filter(scope),
                with_payload=False,
            )
            found = [UUID(str(record.id)) for record in records]
            return [point_id for point_id in found if point_id != after][:limit]
        return []

    async def delete_points(self, collection: str, chunk_ids: Sequence[UUID]) -> None:
        ids: list[int | str | UUID] = [str(chunk_id) for chunk_id in chunk_ids]
        with suppress(UnknownCollectionError), _map_client_errors():
            await self._client.delete(collection, models.PointIdsList(points=ids), wait=True)

    async def drop_collection(self, name: str) -> None:
        with suppress(UnknownCollectionError), _map_client_errors():
            await self._client.delete_collection(name)

    async def count(self, collection: str, scope: Scope) -> int:
        if scope.is_empty:
            return 0
        with suppress(UnknownCollectionError), _map_client_errors():
            answer = await self._client.count(collection, _build_filter(scope), exact=True)
            return answer.count
        return 0

    async def check(self) -> None:
        await self.list_collections()

    async def close(self) -> None:
        await self._client.close()

    async def _create(self, name: str, dimension: int) -> None:
        """Another process may create it first: then theirs, which is equal, stays."""
        try:
            await self._client.create_collection(
                name,
                vectors_config={
                    DENSE: models.VectorParams(
                        size=dimension,
                        distance=models.Distance.COSINE,
                        on_disk=self._settings.is_on_disk,
                    )
                },
                sparse_vectors_config={
                    SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)
                },
                # Every search names its tenant, so one graph per tenant replaces the global one.
                hnsw_config=models.HnswConfigDiff(m=0, payload_m=16),
                quantization_config=_QUANTIZATIONS[self._settings.quantization],
                shard_number=self._settings.shard_number,
                replication_factor=self._settings.replication_factor,
                write_consistency_factor=self._settings.write_consistency_factor,
            )
        except (UnexpectedResponse, AioRpcError):
            if not await self._client.collection_exists(name):
                raise

    async def _query(
        self,
        collection: str,
        query: HybridQuery,
        scope: Scope,
        limit: int,
    ) -> models.QueryResponse:
        allowed = _build_filter(scope)
        params = {SPARSE: _build_sparse_params(scope.user_id)}
        nearest: dict[str, list[float] | models.SparseVector] = {
            DENSE: list(query.dense),
            SPARSE: _build_sparse(query.sparse),
        }
        if query.mode != "hybrid":
            return await self._client.query_points(
                collection,
                query=nearest[query.mode],
                using=query.mode,
                query_filter=allowed,
                search_params=params.get(query.mode),
                limit=limit,
                with_payload=False,
            )
        depth = PREFETCH_FACTOR * limit
        return await self._client.query_points(
            collection,
            query=models.RrfQuery(rrf=models.Rrf(k=RRF_K, weights=[*query.weights.values()])),
            prefetch=[
                models.Prefetch(
                    query=nearest[side],
                    using=side,
                    filter=allowed,
                    params=params.get(side),
                    limit=depth,
                )
                for side in query.weights
            ],
            limit=limit,
            with_payload=False,
        )


@contextmanager
def _map_client_errors() -> Iterator[None]:
    try:
        yield
    except ResourceExhaustedResponse as error:
        raise VectorsUnavailableError(retry_after_seconds=error.retry_after_s) from error
    except (ApiException, AioRpcError, ValueError) as error:
        if _is_unknown_collection(error):
            raise UnknownCollectionError from error
        raise VectorsUnavailableError from error


def _is_unknown_collection(error: Exception) -> bool:
    if isinstance(error, AioRpcError):
        return error.code() is StatusCode.NOT_FOUND
    if isinstance(error, UnexpectedResponse):
        return error.status_code == _NOT_FOUND
    # The client's own in-memory engine.
    return isinstance(error, ValueError) and str(error).endswith("not found")


def _build_point(point: ChunkPoint) -> models.PointStruct:
    return models.PointStruct(
        id=str(point.chunk_id),
        vector=_build_vectors(point),
        payload={
            "user_id": str(point.user_id),
            "document_id": str(point.document_id),
            "tags": list(point.tags),
        },
    )


def _build_vectors(point: ChunkPoint) -> dict[str, list[float] | models.SparseVector]:
    """A passage without a dense vector is found by its words alone."""
    vectors: dict[str, list[float] | models.SparseVector] = {SPARSE: _build_sparse(point.sparse)}
    return vectors | {DENSE: list(point.dense)} if point.dense else vectors


def _build_sparse(vector: SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=list(vector.indices), values=list(vector.values))


def _build_filter(scope: Scope) -> models.Filter:
    conditions = [
        models.FieldCondition(key="user_id", match=models.MatchValue(value=str(scope.user_id)))
    ]
    if scope.document_ids is not None:
        document_ids = [str(document_id) for document_id in scope.document_ids]
        conditions.append(
            models.FieldCondition(key="document_id", match=models.MatchAny(any=document_ids))
        )
    if scope.tags is not None:
        conditions.append(
            models.FieldCondition(key="tags", match=models.MatchAny(any=list(scope.tags)))
        )
    return models.Filter(must=[*conditions])


def _build_sparse_params(user_id: UUID) -> models.SearchParams:
    """Term statistics of the tenant alone: others' documents must not shift the ranking."""
    return models.SearchParams(idf=models.IdfCorpusParams(corpus=_build_filter(Scope(user_id))))
