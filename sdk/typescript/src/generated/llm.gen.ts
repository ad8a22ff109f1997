// Written by `make sdk` from docs/openapi.json.

import type { CallOptions, Caller } from '../operations.js';
import type {
  LlmCreateEmbeddingsData,
  LlmCreateEmbeddingsResponse,
  LlmDeleteModelData,
  LlmGetModelData,
  LlmGetModelResponse,
  LlmGetStatusResponse,
  LlmListModelsResponse,
  LlmListUsageData,
  LlmListUsageResponse,
  LlmPullModelData,
  LlmPullModelResponse,
} from './types.gen.js';

/**
 * List the models that are installed, all on one page.
 */
export const listModels = (
  colloquy: Caller,
  options?: CallOptions,
): Promise<LlmListModelsResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/llm/models' }, {}, options);

/**
 * Describe one installed model.
 */
export const getModel = (
  colloquy: Caller,
  input: LlmGetModelData['path'],
  options?: CallOptions,
): Promise<LlmGetModelResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/llm/models/{name}' }, input, options);

/**
 * Remove a model from the model server; for admins.
 */
export const deleteModel = (
  colloquy: Caller,
  input: LlmDeleteModelData['path'],
  options?: CallOptions,
): Promise<void> =>
  colloquy.call({ method: 'DELETE', path: '/api/v1/llm/models/{name}' }, input, options);

/**
 * Let the model server fetch a model, and watch; for admins.
 *
 * It goes on when you leave: ask again to watch again. The events are `pull.progress`, and at the
 * end either `pull.completed` or `error`.
 */
export const pullModel = (
  colloquy: Caller,
  input: LlmPullModelData['body'],
  options?: CallOptions,
): AsyncGenerator<LlmPullModelResponse, void> =>
  colloquy.stream({ method: 'POST', path: '/api/v1/llm/models/pull', body: 'json' }, input, options);

/**
 * Tell whether the configured models can be used now, and what to do if not.
 */
export const getStatus = (
  colloquy: Caller,
  options?: CallOptions,
): Promise<LlmGetStatusResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/llm/status' }, {}, options);

/**
 * Turn texts into vectors, with the model that searches your documents.
 */
export const createEmbeddings = (
  colloquy: Caller,
  input: LlmCreateEmbeddingsData['body'],
  options?: CallOptions,
): Promise<LlmCreateEmbeddingsResponse> =>
  colloquy.call({ method: 'POST', path: '/api/v1/llm/embeddings', body: 'json' }, input, options);

/**
 * List what was asked of the models per user, model and day (UTC), the newest day first.
 */
export const listUsage = (
  colloquy: Caller,
  input: NonNullable<LlmListUsageData['query']> = {},
  options?: CallOptions,
): Promise<LlmListUsageResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/llm/usage', query: ['of', 'days', 'cursor', 'limit'] }, input, options);
