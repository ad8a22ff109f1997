"""Qdrant Edge, synchronously: one shard per collection, in a folder of its own.

`edge` runs this in a process of its own; nothing else should call it. The approximate index is
left out on purpose: building it is one call of many seconds in which no search is answered, while
an exact scan of 20,000 passages takes a few milliseconds.
"""

import fcntl
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO
from uuid import UUID

from qdrant_edge import (
    CountRequest,
    Distance,
    EdgeConfig,
    EdgeOptimizersConfig,
    EdgeShard,
    EdgeSparseVectorParams,
    EdgeVectorParams,
    FieldCondition,
    Filter,
    Fusion,
    IdfParams,
    KeywordIndexParams,
    MatchAny,
    MatchValue,
    Modifier,
    Point,
    Prefetch,
    Query,
    QueryRequest,
    ScrollRequest,
    SearchParams,
    UpdateOperation,
    UuidIndexParams,
)
from qdrant_edge import SparseVector as EdgeSparseVector

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

# Unflushed writes are replayed from the log at the next start, about 80 microseconds a point.
_WRITES_PER_FLUSH: Final = 32
_NEVER_KILOBYTES: Final = 2**40
_UNFINISHED: Final = ".unfinished"
# The engine of a server that was killed needs a moment to notice and to leave.
_PATIENCE_SECONDS: Final = 3.0
_RETRY_SECONDS: Final = 0.05

_Vector = list[float] | EdgeSparseVector | list[list[float]]


class EdgeEngine:
    """Opens each collection once, at its first use. `claim` comes before everything else."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._shards: dict[str, EdgeShard] = {}
        self._writes: Counter[str] = Counter()
        self._lock: TextIO | None = None

    def claim(self) -> None:
        """Keep other processes out.

        The engine's own lock comes too late: it refuses a second process only after that one has
        cut the journals which the first is writing.
        """
        if self._lock is None:
            self._path.mkdir(parents=True, exist_ok=True)
            self._lock = _lock_file(self._path / "lock")

    def create_collection(self, name: str, dimension: int) -> None:
        """Build beside the final place and rename, so that a crash leaves no half collection."""
        if (self._path / name).is_dir():
            return
        draft = self._path / f"{name}{_UNFINISHED}"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        shard = EdgeShard.create(str(draft), _build_config(dimension))
        shard.update(UpdateOperation.create_field_index("user_id", UuidIndexParams(is_tenant=True)))
        shard.update(UpdateOperation.create_field_index("document_id", UuidIndexParams()))
        shard.update(UpdateOperation.create_field_index("tags", KeywordIndexParams()))
        shard.close()
        draft.rename(self._path / name)

    def list_collections(self) -> list[str]:
        folders = (entry for entry in self._path.iterdir() if entry.is_dir())
        return sorted(folder.name for folder in folders if folder.suffix != _UNFINISHED)

    def upsert(self, collection: str, points: Sequence[ChunkPoint]) -> None:
        operation = UpdateOperation.upsert_points([_build_point(point) for point in points])
        if not self._write(collection, operation):
            raise UnknownCollectionError

    def update_tags(
        self, collection: str, user_id: UUID, document_id: UUID, tags: tuple[str, ...]
    ) -> None:
        target = _build_filter(Scope(user_id, (document_id,)))
        payload = {"tags": list(tags)}
        self._write(collection, UpdateOperation.set_payload_by_filter(target, payload))

    def delete_document(self, collection: str, user_id: UUID, document_id: UUID) -> None:
        target = _build_filter(Scope(user_id, (document_id,)))
        self._write(collection, UpdateOperation.delete_points_by_filter(target))

    def delete_user(self, collection: str, user_id: UUID) -> None:
        target = _build_filter(Scope(user_id))
        self._write(collection, UpdateOperation.delete_points_by_filter(target))

    def list_points(
        self, collection: str, after: UUID | None, limit: int, scope: Scope | None
    ) -> list[UUID]:
        """The engine's offset is the first id to return, so one more is read and left out."""
        shard = self._open(collection)
        if shard is None:
            return []
        request = ScrollRequest(
            offset=after,
            limit=limit + 1,
            filter=None if scope is None else _build_filter(scope),
            with_payload=False,
        )
        found = [_to_uuid(record.id) for record in shard.scroll(request)[0]]
        return [point_id for point_id in found if point_id != after][:limit]

    def delete_points(self, collection: str, chunk_ids: list[UUID]) -> None:
        self._write(collection, UpdateOperation.delete_points([*chunk_ids]))

    def drop_collection(self, name: str) -> None:
        """Rename first: a crash in the middle leaves nothing that looks like a collection."""
        shard = self._shards.pop(name, None)
        if shard is not None:
            shard.close()
        leftover = self._path / f"{name}{_UNFINISHED}"
        shutil.rmtree(leftover, ignore_errors=True)
        if (self._path / name).is_dir():
            (self._path / name).rename(leftover)
            shutil.rmtree(leftover)

    def search(self, collection: str, query: HybridQuery, scope: Scope, limit: int) -> list[Hit]:
        shard = self._open(collection)
        if shard is None:
            return []
        found = shard.query(_build_request(query, scope, limit))
        return [Hit(_to_uuid(point.id), point.score) for point in found]

    def count(self, collection: str, scope: Scope) -> int:
        shard = self._open(collection)
        return shard.count(CountRequest(filter=_build_filter(scope))) if shard else 0

    def check(self) -> None:
        """Open every collection now, so that no search waits for it."""
        for name in self.list_collections():
            self._open(name)

    def close(self) -> None:
        while self._shards:
            self._shards.popitem()[1].close()
        if self._lock is not None:
            self._lock.close()

    def _open(self, name: str) -> EdgeShard | None:
        if name not in self._shards and (self._path / name).is_dir():
            shard = EdgeShard.load(str(self._path / name))
            # Clears away what deleted points left behind.
            shard.optimize()
            self._shards[name] = shard
        return self._shards.get(name)

    def _write(self, collection: str, operation: UpdateOperation) -> bool:
        """Whether the collection exists. The operation is in the engine's log on return."""
        shard = self._open(collection)
        if shard is None:
            return False
        shard.update(operation)
        self._writes[collection] += 1
        if self._writes[collection] % _WRITES_PER_FLUSH == 0:
            shard.flush()
        return True


@contextmanager
def map_engine_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise VectorsUnavailableError("The vector folder cannot be used.") from error
    except Exception as error:
        # The engine raises the bare class and nothing narrower.
        if type(error) is not Exception:
            raise
        raise VectorsUnavailableError from error


def _lock_file(path: Path) -> TextIO:
    """The lock lasts as long as the file is open; the number inside is for whoever looks."""
    file = path.open("a+")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not _try_lock(file):
        if time.monotonic() > deadline:
            file.close()
            raise VectorsUnavailableError(
                "Another process uses the embedded vector index. "
                "Set QDRANT_URL to run more than one process."
            )
        time.sleep(_RETRY_SECONDS)
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _try_lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _build_config(dimension: int) -> EdgeConfig:
    return EdgeConfig(
        vectors={DENSE: EdgeVectorParams(size=dimension, distance=Distance.Cosine)},
        sparse_vectors={SPARSE: EdgeSparseVectorParams(modifier=Modifier.Idf)},
        optimizers=EdgeOptimizersConfig(indexing_threshold=_NEVER_KILOBYTES),
    )


def _build_point(point: ChunkPoint) -> Point:
    return Point(
        id=point.chunk_id,
        vector=_build_vectors(point),
        payload={
            "user_id": str(point.user_id),
            "document_id": str(point.document_id),
            "tags": list(point.tags),
        },
    )


def _build_vectors(point: ChunkPoint) -> dict[str, _Vector]:
    """A passage without a dense vector is found by its words alone."""
    vectors: dict[str, _Vector] = {SPARSE: _build_sparse(point.sparse)}
    return vectors | {DENSE: list(point.dense)} if point.dense else vectors


def _build_sparse(vector: SparseVector) -> EdgeSparseVector:
    return EdgeSparseVector(list(vector.indices), list(vector.values))


def _build_filter(scope: Scope) -> Filter:
    conditions = [FieldCondition("user_id", match=MatchValue(str(scope.user_id)))]
    if scope.document_ids is not None:
        document_ids = [str(document_id) for document_id in scope.document_ids]
        conditions.append(FieldCondition("document_id", match=MatchAny(document_ids)))
    if scope.tags is not None:
        conditions.append(FieldCondition("tags", match=MatchAny(list(scope.tags))))
    return Filter(must=[*conditions])


def _build_request(query: HybridQuery, scope: Scope, limit: int) -> QueryRequest:
    allowed = _build_filter(scope)
    params = {SPARSE: _build_sparse_params(scope.user_id)}
    nearest = {
        DENSE: Query.Nearest(list(query.dense), using=DENSE),
        SPARSE: Query.Nearest(_build_sparse(query.sparse), using=SPARSE),
    }
    if query.mode != "hybrid":
        return QueryRequest(
            limit, query=nearest[query.mode], filter=allowed, params=params.get(query.mode)
        )
    depth = PREFETCH_FACTOR * limit
    return QueryRequest(
        limit,
        query=Fusion.Rrf(  # type: ignore[arg-type]  # the stub forgets that it is a Fusion
            RRF_K, weights=[*query.weights.values()]
        ),
        prefetches=[
            Prefetch(depth, query=nearest[side], filter=allowed, params=params.get(side))
            for side in query.weights
        ],
    )


def _build_sparse_params(user_id: UUID) -> SearchParams:
    """Term statistics of the tenant alone: others' documents must not shift the ranking."""
    return SearchParams(idf=IdfParams(corpus=_build_filter(Scope(user_id))))


def _to_uuid(point_id: int | str | UUID) -> UUID:
    return point_id if isinstance(point_id, UUID) else UUID(str(point_id))
