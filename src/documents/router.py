"""Uploading, managing and searching one's own documents."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Header, Query, Request, Response, status
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect

from src.auth.dependencies import CurrentUser
from src.documents.dependencies import (
    ConditionsDep,
    DetachedDocument,
    DocumentFilterDep,
    DocumentServiceDep,
    OwnedDocument,
    ProgressWatcherDep,
    SearchServiceDep,
    UploadReceiverDep,
    UploadServiceDep,
)
from src.documents.download import ByteRange, begin, get_served_type, make_headers
from src.documents.exceptions import (
    DocumentNotFoundError,
    EmptyFileError,
    FileGoneError,
    FileTooLargeError,
    InvalidUploadFieldError,
    MalformedUploadError,
    NoFilesError,
    QuotaExceededError,
    RangeNotSatisfiableError,
    StorageUnavailableError,
    TooManyFilesError,
    UnsupportedFileError,
    UploadKeyReusedError,
    VectorsUnavailableError,
)
from src.documents.multipart import get_boundary
from src.documents.schemas import (
    ChunkPage,
    DocumentCursor,
    DocumentEvent,
    DocumentRead,
    DocumentSort,
    DocumentUpdate,
    FormatsRead,
    SearchCreate,
    SearchRead,
    StorageUsageRead,
    UploadRead,
)
from src.documents.search import SearchQuery
from src.llm.exceptions import MODEL_ERRORS
from src.routes import API_PREFIX, ModuleRouter
from src.schemas import InvalidCursorError, Page, PageSize, problem_responses
from src.sse import EventStreamResponse, encode_events

router = ModuleRouter(prefix=f"{API_PREFIX}/documents", tags=["documents"])

# A file goes out as what it is, unless a browser would take it for a page.
_BYTES = {
    media_type: {"schema": {"type": "string", "format": "binary"}}
    for media_type in ("application/octet-stream", "*/*")
}

# The body is read from the socket by hand, so that no file is ever held in memory.
_UPLOAD_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "additionalProperties": False,
                    "properties": {
                        "files": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "description": "One file or many.",
                        },
                        "title": {
                            "type": "string",
                            "pattern": r"\S",
                            "maxLength": 200,
                            "description": "For an upload of one file; else the file name.",
                        },
                        "description": {"type": "string", "maxLength": 2000},
                        "tags": {
                            "type": "array",
                            "items": {"type": "string", "pattern": r"\S", "maxLength": 50},
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
        QuotaExceededError,
        UploadKeyReusedError,
        StorageUnavailableError,
    ),
)
async def upload_documents(
    request: Request,
    user: CurrentUser,
    receiver: UploadReceiverDep,
    service: UploadServiceDep,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            description="A retry with the same key and the same files gets the first answer.",
        ),
    ] = None,
) -> UploadRead:
    """Upload one or many files. They are searchable once their `status` is `ready`.

    The same bytes again give the document that is there already. Of several files each succeeds
    or fails on its own; only when none is good is the answer an error, the first file's.
    """
    boundary = get_boundary(request.headers.get("content-type", ""))
    received = await receiver.receive(user.user_id, _read_body(request), boundary)
    return await service.accept(user.user_id, received, request.state.request_id, idempotency_key)


@router.get("", responses=problem_responses(InvalidCursorError))
async def list_documents(
    user: CurrentUser,
    service: DocumentServiceDep,
    filter_: DocumentFilterDep,
    sort: Annotated[DocumentSort, Query(description="A minus is descending.")] = "-created_at",
    cursor: Annotated[DocumentCursor, Query()] = None,
    limit: Annotated[PageSize, Query()] = 20,
) -> Page[DocumentRead]:
    """List your documents. A cursor belongs to the `sort` it came from."""
    return await service.list_documents(user.user_id, filter_, sort, cursor, limit)


@router.get("/usage")
async def get_usage(user: CurrentUser, service: DocumentServiceDep) -> StorageUsageRead:
    """Return how much you have uploaded, and how much you may."""
    return await service.get_usage(user.user_id)


@router.get("/formats")
async def list_formats(_: CurrentUser, receiver: UploadReceiverDep) -> FormatsRead:
    """List what can be uploaded. Source code and other plain text is `text/plain`."""
    return receiver.list_formats()


@router.post(
    "/search",
    responses=problem_responses(
        *MODEL_ERRORS,
        VectorsUnavailableError,
    ),
)
async def search_documents(
    body: SearchCreate, user: CurrentUser, service: SearchServiceDep
) -> SearchRead:
    """Find the passages of your documents that answer a query best."""
    return SearchRead(passages=await service.search(SearchQuery.from_request(user.user_id, body)))


@router.get("/{document_id}", responses=problem_responses(DocumentNotFoundError))
async def get_document(document: OwnedDocument) -> DocumentRead:
    """Return a document, with how far its processing has come."""
    return DocumentRead.model_validate(document)


@router.patch("/{document_id}", responses=problem_responses(DocumentNotFoundError))
async def update_document(
    body: DocumentUpdate, document: OwnedDocument, service: DocumentServiceDep
) -> DocumentRead:
    """Change title, description or tags. Searches know new tags and titles a moment later."""
    return await service.update(document, body)


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
    from_ordinal: Annotated[
        int, Query(ge=0, lt=2**31, description="Where to begin, counted from 0.")
    ] = 0,
    limit: Annotated[PageSize, Query()] = 50,
) -> ChunkPage:
    """List the passages of a document in their order."""
    return await service.list_chunks(document, from_ordinal, limit)


@router.post(
    "/{document_id}/reprocess",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problem_responses(DocumentNotFoundError),
)
async def reprocess_document(document: OwnedDocument, service: DocumentServiceDep) -> DocumentRead:
    """Read the stored file anew, for instance after a failure; what is in progress goes on."""
    return await service.reprocess(document)


@router.get(
    "/{document_id}/content",
    response_class=StreamingResponse,
    responses={
        200: {"content": _BYTES, "description": "The file."},
        206: {"content": _BYTES, "description": "The range."},
        304: {"description": "`If-None-Match` names the file as it is."},
        **problem_responses(
            DocumentNotFoundError,
            FileGoneError,
            RangeNotSatisfiableError,
            StorageUnavailableError,
        ),
    },
)
async def download_document(
    document: DetachedDocument, service: DocumentServiceDep, conditions: ConditionsDep
) -> Response:
    """Download the original file, whole or one range of it."""
    etag, size_bytes = f'"{document.sha256}"', document.size_bytes
    headers = make_headers(document.filename, etag)
    if conditions.is_fresh(etag):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    wanted = conditions.pick_range(etag, size_bytes)
    if wanted is not None:
        headers["Content-Range"] = f"bytes {wanted.start}-{wanted.end - 1}/{size_bytes}"
    sent = wanted or ByteRange(0, size_bytes)
    return StreamingResponse(
        await begin(service.read_content(document, sent)),
        status_code=status.HTTP_206_PARTIAL_CONTENT if wanted else status.HTTP_200_OK,
        headers=headers | {"Content-Length": str(sent.end - sent.start)},
        media_type=get_served_type(document.media_type),
    )


@router.get(
    "/{document_id}/events",
    response_class=EventStreamResponse,
    responses={
        200: {"model": DocumentEvent, "description": "Server-sent events; `event:` is the type."},
        **problem_responses(DocumentNotFoundError),
    },
)
async def follow_document(document: DetachedDocument, watcher: ProgressWatcherDep) -> Response:
    """Follow the processing of a document: where it is, then every change.

    The events are `document.progress`, and at the end `document.ready`, `document.failed` or
    `document.deleted`. Whoever comes late or again gets the present state first.
    """
    return EventStreamResponse(encode_events(watcher.follow(document.id)))


async def _read_body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect as exc:
        raise MalformedUploadError("The upload was cut off.") from exc
