"""What is left to do once users have changed or deleted something. Every job can be repeated."""

from src.documents.collections import delete_everywhere, write_tags
from src.documents.embedding import PassageEmbedder
from src.documents.queue import PurgeJob, PurgeUserJob, RetagJob
from src.documents.rows import DocumentRows
from src.documents.storage import FileStorage
from src.documents.vectors.base import VectorIndex


class UpkeepService:
    def __init__(
        self,
        rows: DocumentRows,
        storage: FileStorage,
        vectors: VectorIndex,
        embedder: PassageEmbedder,
    ) -> None:
        self._rows = rows
        self._storage = storage
        self._vectors = vectors
        self._embedder = embedder

    async def retag(self, job: RetagJob) -> None:
        document = await self._rows.load(job.document_id)
        if document is not None:
            await write_tags(self._vectors, document)

    async def purge(self, job: PurgeJob) -> None:
        """Delete what a deleted document left behind, wherever it is."""
        await delete_everywhere(self._vectors, job.user_id, job.document_id)
        await self._storage.delete(job.storage_key)

    async def purge_user(self, job: PurgeUserJob) -> None:
        """Delete whatever a deleted user left behind, also of uploads that were cut short."""
        for collection in await self._vectors.list_collections():
            await self._vectors.delete_user(collection, job.user_id)
        await self._storage.delete_folder(str(job.user_id))

    async def tidy(self) -> None:
        """Delete what was kept for a while and is not needed any more."""
        await self._embedder.forget_unused()
        await self._storage.delete_unfinished()
