"""Builds the services of documents and resolves a document that belongs to the caller."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends
from starlette.requests import HTTPConnection

from src.auth.dependencies import CurrentUser
from src.config import Settings
from src.database import SessionDep
from src.documents.models import Document
from src.documents.queue import JobQueue
from src.documents.search import SearchService
from src.documents.service import DocumentService
from src.documents.storage import FileStorage
from src.documents.upload import UploadReceiver, UploadService


async def get_document_service(session: SessionDep) -> DocumentService:
    return DocumentService(session, JobQueue(session))


DocumentServiceDep = Annotated[DocumentService, Depends(get_document_service)]


async def get_upload_receiver(connection: HTTPConnection) -> UploadReceiver:
    storage: FileStorage = connection.state.storage
    settings: Settings = connection.state.settings
    return UploadReceiver(storage, settings.documents)


UploadReceiverDep = Annotated[UploadReceiver, Depends(get_upload_receiver)]


async def get_upload_service(session: SessionDep, receiver: UploadReceiverDep) -> UploadService:
    return UploadService(session, JobQueue(session), receiver)


UploadServiceDep = Annotated[UploadService, Depends(get_upload_service)]


async def get_search_service(connection: HTTPConnection) -> SearchService:
    service: SearchService = connection.state.search
    return service


SearchServiceDep = Annotated[SearchService, Depends(get_search_service)]


async def get_owned_document(
    document_id: UUID, user: CurrentUser, service: DocumentServiceDep
) -> Document:
    return await service.get(user.user_id, document_id)


OwnedDocument = Annotated[Document, Depends(get_owned_document)]
