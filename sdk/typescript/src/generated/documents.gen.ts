// Written by `make sdk` from docs/openapi.json.

import type { CallOptions, Caller } from '../operations.js';
import type {
  DocumentsDeleteDocumentData,
  DocumentsDownloadDocumentData,
  DocumentsFollowDocumentData,
  DocumentsFollowDocumentResponse,
  DocumentsGetDocumentData,
  DocumentsGetDocumentResponse,
  DocumentsGetUsageResponse,
  DocumentsListChunksData,
  DocumentsListChunksResponse,
  DocumentsListDocumentsData,
  DocumentsListDocumentsResponse,
  DocumentsListFormatsResponse,
  DocumentsReprocessDocumentData,
  DocumentsReprocessDocumentResponse,
  DocumentsSearchDocumentsData,
  DocumentsSearchDocumentsResponse,
  DocumentsUpdateDocumentData,
  DocumentsUpdateDocumentResponse,
  DocumentsUploadDocumentsData,
  DocumentsUploadDocumentsResponse,
} from './types.gen.js';

/**
 * Upload one or many files. They are searchable once their `status` is `ready`.
 *
 * The same bytes again give the document that is there already. Of several files each succeeds
 * or fails on its own; only when none is good is the answer an error, the first file's.
 */
export const uploadDocuments = (
  colloquy: Caller,
  input: NonNullable<DocumentsUploadDocumentsData['headers']> & DocumentsUploadDocumentsData['body'],
  options?: CallOptions,
): Promise<DocumentsUploadDocumentsResponse> =>
  colloquy.call({ method: 'POST', path: '/api/v1/documents', headers: ['Idempotency-Key'], body: 'multipart' }, input, options);

/**
 * List your documents. A cursor belongs to the `sort` it came from.
 */
export const listDocuments = (
  colloquy: Caller,
  input: NonNullable<DocumentsListDocumentsData['query']> = {},
  options?: CallOptions,
): Promise<DocumentsListDocumentsResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/documents', query: ['sort', 'cursor', 'limit', 'q', 'tags', 'status'] }, input, options);

/**
 * Return how much you have uploaded, and how much you may.
 */
export const getUsage = (
  colloquy: Caller,
  options?: CallOptions,
): Promise<DocumentsGetUsageResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/documents/usage' }, {}, options);

/**
 * List what can be uploaded. Source code and other plain text is `text/plain`.
 */
export const listFormats = (
  colloquy: Caller,
  options?: CallOptions,
): Promise<DocumentsListFormatsResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/documents/formats' }, {}, options);

/**
 * Find the passages of your documents that answer a query best.
 */
export const searchDocuments = (
  colloquy: Caller,
  input: DocumentsSearchDocumentsData['body'],
  options?: CallOptions,
): Promise<DocumentsSearchDocumentsResponse> =>
  colloquy.call({ method: 'POST', path: '/api/v1/documents/search', body: 'json' }, input, options);

/**
 * Return a document, with how far its processing has come.
 */
export const getDocument = (
  colloquy: Caller,
  input: DocumentsGetDocumentData['path'],
  options?: CallOptions,
): Promise<DocumentsGetDocumentResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/documents/{document_id}' }, input, options);

/**
 * Change title, description or tags. Searches know new tags and titles a moment later.
 */
export const updateDocument = (
  colloquy: Caller,
  input: DocumentsUpdateDocumentData['path'] & DocumentsUpdateDocumentData['body'],
  options?: CallOptions,
): Promise<DocumentsUpdateDocumentResponse> =>
  colloquy.call({ method: 'PATCH', path: '/api/v1/documents/{document_id}', body: 'json' }, input, options);

/**
 * Delete a document at once; its file and vectors are purged in the background.
 */
export const deleteDocument = (
  colloquy: Caller,
  input: DocumentsDeleteDocumentData['path'],
  options?: CallOptions,
): Promise<void> =>
  colloquy.call({ method: 'DELETE', path: '/api/v1/documents/{document_id}' }, input, options);

/**
 * List the passages of a document in their order.
 */
export const listChunks = (
  colloquy: Caller,
  input: DocumentsListChunksData['path'] & NonNullable<DocumentsListChunksData['query']>,
  options?: CallOptions,
): Promise<DocumentsListChunksResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/documents/{document_id}/chunks', query: ['from_ordinal', 'limit'] }, input, options);

/**
 * Read the stored file anew, for instance after a failure; what is in progress goes on.
 */
export const reprocessDocument = (
  colloquy: Caller,
  input: DocumentsReprocessDocumentData['path'],
  options?: CallOptions,
): Promise<DocumentsReprocessDocumentResponse> =>
  colloquy.call({ method: 'POST', path: '/api/v1/documents/{document_id}/reprocess' }, input, options);

/**
 * Download the original file, whole or one range of it.
 */
export const downloadDocument = (
  colloquy: Caller,
  input: DocumentsDownloadDocumentData['path'] & NonNullable<DocumentsDownloadDocumentData['headers']>,
  options?: CallOptions,
): Promise<Blob> =>
  colloquy.call({ method: 'GET', path: '/api/v1/documents/{document_id}/content', headers: ['Range', 'if-range', 'if-none-match'], isFile: true }, input, options);

/**
 * Follow the processing of a document: where it is, then every change.
 *
 * The events are `document.progress`, and at the end `document.ready`, `document.failed` or
 * `document.deleted`. Whoever comes late or again gets the present state first.
 */
export const followDocument = (
  colloquy: Caller,
  input: DocumentsFollowDocumentData['path'],
  options?: CallOptions,
): AsyncGenerator<DocumentsFollowDocumentResponse, void> =>
  colloquy.stream({ method: 'GET', path: '/api/v1/documents/{document_id}/events' }, input, options);
