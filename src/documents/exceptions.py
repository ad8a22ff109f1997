"""What can go wrong with documents: reading files and searching vectors."""

from typing import ClassVar

from src.exceptions import (
    AppError,
    BadRequestError,
    ConflictError,
    InvalidError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
    UnsupportedTypeError,
)


class VectorsUnavailableError(UnavailableError):
    code = "vectors_unavailable"
    title = "Vector index unavailable"
    default_detail = "The vector index cannot be reached. Try again in a moment."


class UnknownCollectionError(VectorsUnavailableError):
    """Writing to a collection that nobody created, or that a fresh server has lost."""

    default_detail = "The vector index is not set up yet. Try again in a moment."


class UnsupportedFileError(UnsupportedTypeError):
    title = "Unsupported file type"


class ExtractionError(InvalidError):
    """The file was accepted, but no text comes out of it. `detail` is the reason for its owner."""

    code = "extraction_failed"
    title = "Document not readable"
    default_detail = "The file is damaged or not what its name says: its text cannot be read."


class UnparsableDocumentError(ExtractionError):
    """The content breaks the rules of its own format."""


class EncryptedDocumentError(ExtractionError):
    code = "document_encrypted"
    default_detail = "The file is protected by a password. Remove the password and upload it again."


class EmptyDocumentError(ExtractionError):
    code = "document_empty"
    default_detail = "The file contains no text. Scanned pages and images are not read."


class ExtractionTimedOutError(ExtractionError):
    code = "extraction_timeout"
    default_detail = "Reading the file took too long. Split it into smaller files."


class DocumentNotFoundError(NotFoundError):
    code = "document_not_found"
    default_detail = "There is no document with this id."


class FileGoneError(NotFoundError):
    code = "file_not_found"
    default_detail = "The stored file of this document is gone."


class RangeNotSatisfiableError(AppError):
    status: ClassVar[int] = 416
    code = "range_not_satisfiable"
    title = "Range not satisfiable"
    default_detail = "The file has no such bytes."

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"The file has {size_bytes:,} bytes.")
        self._size_bytes = size_bytes

    @property
    def headers(self) -> dict[str, str]:
        return {"Content-Range": f"bytes */{self._size_bytes}"}


class QuotaExceededError(ConflictError):
    code = "quota_exceeded"
    title = "Quota exceeded"
    default_detail = "The file does not fit into what is left of your quota."


class UploadKeyReusedError(ConflictError):
    code = "idempotency_key_reused"
    default_detail = "This Idempotency-Key was sent with a different upload before."


class DocumentLostError(Exception):
    """A document was deleted, or taken over by another job, while a job worked on it."""


class MalformedUploadError(BadRequestError):
    code = "malformed_upload"
    default_detail = "The upload is not well-formed multipart/form-data."


class NoFilesError(InvalidError):
    code = "no_files"
    default_detail = "Send at least one file in the field `files`."


class TooManyFilesError(InvalidError):
    code = "too_many_files"
    default_detail = "The upload has more files than the server accepts at once."


class InvalidUploadFieldError(InvalidError):
    code = "invalid_upload_field"
    default_detail = "A field of the upload is not valid."


class EmptyFileError(InvalidError):
    code = "file_empty"
    default_detail = "The file is empty."


class FileTooLargeError(TooLargeError):
    code = "file_too_large"
    default_detail = "The file is larger than the server accepts."


class StorageUnavailableError(UnavailableError):
    code = "storage_unavailable"
    default_detail = "The file storage cannot be reached or is full. Try again shortly."


class ExtractionMemoryError(ExtractionError):
    code = "extraction_memory"
    default_detail = "Reading the file takes more memory than allowed. Split it into smaller files."


class ExtractionCrashedError(ExtractionError):
    code = "extraction_crashed"
    default_detail = "Reading the file broke the reader: it is damaged or made to do harm."


class StoredFileMissingError(ExtractionError):
    code = "stored_file_missing"
    default_detail = "The stored file is gone. Delete the document and upload it again."


class ProcessingFailedError(ExtractionError):
    code = "processing_failed"
    default_detail = "The document could not be processed, several times over."
