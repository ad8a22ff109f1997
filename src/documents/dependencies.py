"""Builds the services of documents and resolves a document that belongs to the caller."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Query
from starlette.requests import HTTPConnection

from src.auth.dependencies import CurrentUser
from src.config import Settings
from src.database import SessionDep, release
from src.documents.download import Conditions
from src.documents.listing import DocumentFilter
from src.documents.models import Document
from src.documents.progress import ProgressWatcher
from src.documents.queue import JobQueue
from src.documents.receiving import UploadReceiver
from src.documents.schemas import DocumentStatus, TagFilter
from src.documents.search import SearchService
from src.documents.service import DocumentService
from src.documents.storage import FileStorage
from src.documents.upload import UploadService
from src.statements import StatementsDep


async def get_document_service(connection: HTTPConnection, session: SessionDep) -> DocumentService:
    storage: FileStorage = connection.state.storage
    settings: Settings = connection.state.settings
    return DocumentService(session, JobQueue(session), storage, settings.documents)


DocumentServiceDep = Annotated[DocumentService, Depends(get_document_service)]


async def get_upload_receiver(
    connection: HTTPConnection, statements: StatementsDep
) -> UploadReceiver:
    storage: FileStorage = connection.state.storage
    settings: Settings = connection.state.settings
    return UploadReceiver(storage, statements, settings.documents)


UploadReceiverDep = Annotated[UploadReceiver, Depends(get_upload_receiver)]


async def get_upload_service(
    connection: HTTPConnection, session: SessionDep, receiver: UploadReceiverDep
) -> UploadService:
    settings: Settings = connection.state.settings
    return UploadService(session, JobQueue(session), receiver, settings.documents)


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


async def get_detached_document(document: OwnedDocument, session: SessionDep) -> Document:
    await release(session)
    return document


# The same with no database connection held: for routes that go on to wait for something slow.
DetachedDocument = Annotated[Document, Depends(get_detached_document)]


async def get_progress_watcher(connection: HTTPConnection) -> ProgressWatcher:
    watcher: ProgressWatcher = connection.state.progress
    return watcher


ProgressWatcherDep = Annotated[ProgressWatcher, Depends(get_progress_watcher)]


async def get_conditions(
    range_: Annotated[
        str | None, Header(alias="Range", description="One range, `bytes=0-99`.")
    ] = None,
    if_range: Annotated[str | None, Header()] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Conditions:
    return Conditions(range_, if_range, if_none_match)


ConditionsDep = Annotated[Conditions, Depends(get_conditions)]


async def get_document_filter(
    q: Annotated[
        str | None,
        Query(max_length=200, description="Beginnings of words of the title or file name."),
    ] = None,
    tags: Annotated[
        TagFilter | None, Query(description="Documents that have any of these tags.")
    ] = None,
    status: Annotated[DocumentStatus | None, Query(description="Documents in this state.")] = None,
) -> DocumentFilter:
    return DocumentFilter(q, tags, status)


DocumentFilterDep = Annotated[DocumentFilter, Depends(get_document_filter)]
