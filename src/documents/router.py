"""Uploading, managing and searching one's own documents."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, status

from src.auth.dependencies import AUTHENTICATION_ERRORS, CurrentUser, DetachedUser
from src.documents.dependencies import (
    DocumentServiceDep,
    OwnedDocument,
    SearchServiceDep,
    UploadReceiverDep,
    UploadServiceDep,
)
from src.documents.exceptions import (
    DocumentNotFoundError,
    EmptyFileError,
    FileTooLargeError,
    InvalidUploadFieldError,
    MalformedUploadError,
    NoFilesError,
    StorageUnavailableError,
    TooManyFilesError,
    UnsupportedFileError,
    VectorsUnavailableError,
)
from src.documents.multipart import get_boundary
from src.documents.schemas import (
    ChunkPage,
    DocumentRead,
    DocumentStatus,
    SearchCreate,
    SearchRead,
    UploadRead,
)
from src.documents.search import SearchQuery
from src.llm.exceptions import (
    LLMFailedError,
    LLMInvalidResponseError,
    LLMTimedOutError,
    LLMUnavailableError,
    ModelMissingError,
)
from src.schemas import Cursor, InvalidCursorError, Page, PageSize, problem_responses

router = APIRouter(
    prefix="/documents", tags=["documents"], responses=problem_responses(*AUTHENTICATION_ERRORS)
)

# The body is read from the socket by hand, so that no file is ever held in memory.
_UPLOAD_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "description": "One file or many.",
                        },
                        "title": {
                            "type": "string",
                            "maxLength": 200,
                            "description": "For an upload of one file; else the file name.",
                        },
                        "description": {"type": "string", "maxLength": 2000},
                        "tags": {
                            "type": "array",
                            "items": {"type": "string", "maxLength": 50},
                            "maxItems": 20,
                        },
                    },
                }
            }
        },
    }
}


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    openapi_extra=_UPLOAD_BODY,
    responses=problem_responses(
        MalformedUploadError,
        FileTooLargeError,
        UnsupportedFileError,
        NoFilesError,
        EmptyFileError,
        TooManyFilesError,
        InvalidUploadFieldError,
        StorageUnavailableError,
    ),
)
async def upload_documents(
    request: Request,
    user: DetachedUser,
    receiver: UploadReceiverDep,
    service: UploadServiceDep,
) -> UploadRead:
    """Upload one or many files. They are searchable once their `status` is `ready`.

    The same bytes again give the document that is there already. Of several files each succeeds
    or fails on its own; only when none is good is the answer an error, the first file's.
    """
    boundary = get_boundary(request.headers.get("content-type", ""))
    received = await receiver.receive(user.user_id, request.stream(), boundary)
    return await service.accept(user.user_id, received, request.state.request_id)


@router.get("", responses=problem_responses(InvalidCursorError))
async def list_documents(
    user: CurrentUser,
    service: DocumentServiceDep,
    status: Annotated[DocumentStatus | None, Query()] = None,
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[PageSize, Query()] = 20,
) -> Page[DocumentRead]:
    """List your documents, the newest first."""
    return await service.list_documents(user.user_id, status, cursor, limit)


@router.post(
    "/search",
    responses=problem_responses(
        LLMInvalidResponseError,
        LLMFailedError,
        LLMUnavailableError,
        ModelMissingError,
        VectorsUnavailableError,
        LLMTimedOutError,
    ),
)
async def search_documents(
    body: SearchCreate, user: DetachedUser, service: SearchServiceDep
) -> SearchRead:
    """Find the passages of your documents that answer a query best."""
    return SearchRead(passages=await service.search(SearchQuery.from_request(user.user_id, body)))


@router.get("/{document_id}", responses=problem_responses(DocumentNotFoundError))
async def get_document(document: OwnedDocument) -> DocumentRead:
    """Return a document, with how far its processing has come."""
    return DocumentRead.model_validate(document)


@router.delete(
    "/{document_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(DocumentNotFoundError),
)
async def delete_document(document: OwnedDocument, service: DocumentServiceDep) -> None:
    """Delete a document at once; its file and vectors are purged in the background."""
    await service.delete(document)


@router.get("/{document_id}/chunks", responses=problem_responses(DocumentNotFoundError))
async def list_chunks(
    document: OwnedDocument,
    service: DocumentServiceDep,
    from_ordinal: Annotated[int, Query(ge=0, lt=2**31)] = 0,
    limit: Annotated[PageSize, Query()] = 50,
) -> ChunkPage:
    """List the passages of a document in their order."""
    return await service.list_chunks(document, from_ordinal, limit)
