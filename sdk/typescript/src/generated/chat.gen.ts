// Written by `make sdk` from docs/openapi.json.

import type { CallOptions, Caller } from '../operations.js';
import type {
  ChatAskData,
  ChatAskResponse,
  ChatAskStreamData,
  ChatAskStreamResponse,
  ChatCreateSessionData,
  ChatCreateSessionResponse,
  ChatDeleteFeedbackData,
  ChatDeleteSessionData,
  ChatExportSessionData,
  ChatExportSessionResponse,
  ChatGetMessageData,
  ChatGetMessageResponse,
  ChatGetSessionData,
  ChatGetSessionResponse,
  ChatListMessagesData,
  ChatListMessagesResponse,
  ChatListSessionsData,
  ChatListSessionsResponse,
  ChatRegenerateMessageData,
  ChatRegenerateMessageResponse,
  ChatResumeStreamData,
  ChatResumeStreamResponse,
  ChatSearchMessagesData,
  ChatSearchMessagesResponse,
  ChatSetFeedbackData,
  ChatSetFeedbackResponse,
  ChatStopMessageData,
  ChatStopMessageResponse,
  ChatUpdateSessionData,
  ChatUpdateSessionResponse,
} from './types.gen.js';

/**
 * Ask a question and wait for the whole answer.
 *
 * The answer goes on and is stored when you leave: find it among the messages of the chat.
 */
export const ask = (
  colloquy: Caller,
  input: NonNullable<ChatAskData['headers']> & ChatAskData['body'],
  options?: CallOptions,
): Promise<ChatAskResponse> =>
  colloquy.call({ method: 'POST', path: '/api/v1/chat/query', headers: ['Idempotency-Key'], body: 'json' }, input, options);

/**
 * Ask a question and follow the answer as it grows.
 *
 * The events are `message.started`, `sources`, then `answer.delta` (and `thinking.delta`), and
 * at the end either `message.completed` or `error`. The answer goes on when you leave.
 */
export const askStream = (
  colloquy: Caller,
  input: NonNullable<ChatAskStreamData['headers']> & ChatAskStreamData['body'],
  options?: CallOptions,
): AsyncGenerator<ChatAskStreamResponse, void> =>
  colloquy.stream({ method: 'POST', path: '/api/v1/chat/query/stream', headers: ['Idempotency-Key'], body: 'json' }, input, options);

/**
 * Return a message; an answer that is still `streaming` shows what there is so far.
 */
export const getMessage = (
  colloquy: Caller,
  input: ChatGetMessageData['path'],
  options?: CallOptions,
): Promise<ChatGetMessageResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/chat/messages/{message_id}' }, input, options);

/**
 * Follow an answer from where you lost it, whichever process generates it.
 *
 * Without `Last-Event-ID` it starts from the beginning. An answer that is over is told once more.
 */
export const resumeStream = (
  colloquy: Caller,
  input: ChatResumeStreamData['path'] & NonNullable<ChatResumeStreamData['headers']>,
  options?: CallOptions,
): AsyncGenerator<ChatResumeStreamResponse, void> =>
  colloquy.stream({ method: 'GET', path: '/api/v1/chat/messages/{message_id}/stream', headers: ['Last-Event-ID'] }, input, options);

/**
 * Stop an answer and keep what there is of it. One that is over stays as it is.
 */
export const stopMessage = (
  colloquy: Caller,
  input: ChatStopMessageData['path'],
  options?: CallOptions,
): Promise<ChatStopMessageResponse> =>
  colloquy.call({ method: 'POST', path: '/api/v1/chat/messages/{message_id}/stop' }, input, options);

/**
 * Answer the same question once more. The answers that it has stay, each on its own branch.
 */
export const regenerateMessage = (
  colloquy: Caller,
  input: ChatRegenerateMessageData['path'] & NonNullable<ChatRegenerateMessageData['headers']> & NonNullable<ChatRegenerateMessageData['body']>,
  options?: CallOptions,
): Promise<ChatRegenerateMessageResponse> =>
  colloquy.call({ method: 'POST', path: '/api/v1/chat/messages/{message_id}/regenerate', headers: ['Idempotency-Key'], body: 'json' }, input, options);

/**
 * Say whether an answer was good. What was said before is replaced.
 */
export const setFeedback = (
  colloquy: Caller,
  input: ChatSetFeedbackData['path'] & ChatSetFeedbackData['body'],
  options?: CallOptions,
): Promise<ChatSetFeedbackResponse> =>
  colloquy.call({ method: 'PUT', path: '/api/v1/chat/messages/{message_id}/feedback', body: 'json' }, input, options);

/**
 * Take back what was said about an answer.
 */
export const deleteFeedback = (
  colloquy: Caller,
  input: ChatDeleteFeedbackData['path'],
  options?: CallOptions,
): Promise<void> =>
  colloquy.call({ method: 'DELETE', path: '/api/v1/chat/messages/{message_id}/feedback' }, input, options);

/**
 * Start an empty chat. A question without a `session_id` starts one by itself.
 */
export const createSession = (
  colloquy: Caller,
  input: ChatCreateSessionData['body'],
  options?: CallOptions,
): Promise<ChatCreateSessionResponse> =>
  colloquy.call({ method: 'POST', path: '/api/v1/chat/sessions', body: 'json' }, input, options);

/**
 * List your chats, the last used first.
 */
export const listSessions = (
  colloquy: Caller,
  input: NonNullable<ChatListSessionsData['query']> = {},
  options?: CallOptions,
): Promise<ChatListSessionsResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/chat/sessions', query: ['cursor', 'limit', 'is_archived'] }, input, options);

/**
 * Return a chat without its messages.
 */
export const getSession = (
  colloquy: Caller,
  input: ChatGetSessionData['path'],
  options?: CallOptions,
): Promise<ChatGetSessionResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/chat/sessions/{session_id}' }, input, options);

/**
 * Rename a chat, archive it, or change how its questions are answered from now on.
 */
export const updateSession = (
  colloquy: Caller,
  input: ChatUpdateSessionData['path'] & ChatUpdateSessionData['body'],
  options?: CallOptions,
): Promise<ChatUpdateSessionResponse> =>
  colloquy.call({ method: 'PATCH', path: '/api/v1/chat/sessions/{session_id}', body: 'json' }, input, options);

/**
 * Delete a chat with all its messages.
 */
export const deleteSession = (
  colloquy: Caller,
  input: ChatDeleteSessionData['path'],
  options?: CallOptions,
): Promise<void> =>
  colloquy.call({ method: 'DELETE', path: '/api/v1/chat/sessions/{session_id}' }, input, options);

/**
 * List the messages of a chat in their order, answers with their sources.
 *
 * `parent_id` leads from an answer to its question and from a question to the answer before it.
 */
export const listMessages = (
  colloquy: Caller,
  input: ChatListMessagesData['path'] & NonNullable<ChatListMessagesData['query']>,
  options?: CallOptions,
): Promise<ChatListMessagesResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/chat/sessions/{session_id}/messages', query: ['leaf', 'cursor', 'limit'] }, input, options);

/**
 * Download a chat, or one branch of it, as JSON or Markdown.
 */
export const exportSession = (
  colloquy: Caller,
  input: ChatExportSessionData['path'] & NonNullable<ChatExportSessionData['query']>,
  options?: CallOptions,
): Promise<ChatExportSessionResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/chat/sessions/{session_id}/export', query: ['format', 'leaf'] }, input, options);

/**
 * Search your own questions and answers, newest first.
 */
export const searchMessages = (
  colloquy: Caller,
  input: NonNullable<ChatSearchMessagesData['query']>,
  options?: CallOptions,
): Promise<ChatSearchMessagesResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/chat/search', query: ['q', 'cursor', 'limit'] }, input, options);
