// Written by `make sdk` from docs/openapi.json.

import type { CallOptions, Caller } from '../operations.js';
import type {
  OpenaiCreateChatCompletionData,
  OpenaiCreateChatCompletionResponse,
  OpenaiCreateCompletionData,
  OpenaiCreateCompletionResponse,
  OpenaiCreateEmbeddingData,
  OpenaiCreateEmbeddingResponse,
  OpenaiCreateResponseData,
  OpenaiCreateResponseResponse,
  OpenaiGetModelData,
  OpenaiGetModelResponse,
  OpenaiListModelsResponse,
} from './types.gen.js';

/**
 * Answer a conversation, like OpenAI's `chat.completions.create`.
 *
 * With `@docs` behind the model's name the answer rests on your documents: `[n]` in its text,
 * `url_citation` annotations, and the passages themselves in `sources`. Nothing is stored, unless
 * `X-Colloquy-Session` names a chat.
 */
export const createChatCompletion = (
  colloquy: Caller,
  input: NonNullable<OpenaiCreateChatCompletionData['headers']> & OpenaiCreateChatCompletionData['body'],
  options?: CallOptions,
): Promise<OpenaiCreateChatCompletionResponse> =>
  colloquy.call({ method: 'POST', path: '/v1/chat/completions', headers: ['X-Colloquy-Session'], body: 'json' }, input, options);

/**
 * Answer one prompt, like OpenAI's older `completions.create`.
 */
export const createCompletion = (
  colloquy: Caller,
  input: NonNullable<OpenaiCreateCompletionData['headers']> & OpenaiCreateCompletionData['body'],
  options?: CallOptions,
): Promise<OpenaiCreateCompletionResponse> =>
  colloquy.call({ method: 'POST', path: '/v1/completions', headers: ['X-Colloquy-Session'], body: 'json' }, input, options);

/**
 * Answer a conversation, like OpenAI's `responses.create`, and as statelessly.
 */
export const createResponse = (
  colloquy: Caller,
  input: NonNullable<OpenaiCreateResponseData['headers']> & OpenaiCreateResponseData['body'],
  options?: CallOptions,
): Promise<OpenaiCreateResponseResponse> =>
  colloquy.call({ method: 'POST', path: '/v1/responses', headers: ['X-Colloquy-Session'], body: 'json' }, input, options);

/**
 * Turn texts into vectors, with the model that searches your documents.
 */
export const createEmbedding = (
  colloquy: Caller,
  input: OpenaiCreateEmbeddingData['body'],
  options?: CallOptions,
): Promise<OpenaiCreateEmbeddingResponse> =>
  colloquy.call({ method: 'POST', path: '/v1/embeddings', body: 'json' }, input, options);

/**
 * List the models; those that end in `@docs` answer from your documents.
 */
export const listModels = (
  colloquy: Caller,
  options?: CallOptions,
): Promise<OpenaiListModelsResponse> =>
  colloquy.call({ method: 'GET', path: '/v1/models' }, {}, options);

/**
 * Describe one model.
 */
export const getModel = (
  colloquy: Caller,
  input: OpenaiGetModelData['path'],
  options?: CallOptions,
): Promise<OpenaiGetModelResponse> =>
  colloquy.call({ method: 'GET', path: '/v1/models/{name}' }, input, options);
