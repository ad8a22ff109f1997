export { Answer, type Position } from './answer.js';
export {
  type AskOptions,
  Colloquy,
  type ColloquyOptions,
  type UploadOptions,
  createColloquy,
} from './colloquy.js';
export { CONNECTION_FAILED, ColloquyError } from './errors.js';
export * as auth from './generated/auth.gen.js';
export * as chat from './generated/chat.gen.js';
export * as documents from './generated/documents.gen.js';
export * as health from './generated/health.gen.js';
export * as llm from './generated/llm.gen.js';
export * as openai from './generated/openai.gen.js';
export type * from './generated/types.gen.js';
export type { CallOptions, Caller } from './operations.js';
export { iterate } from './pages.js';
export type { FollowOptions } from './reconnecting.js';
export { type TokenStore, type Tokens, keepInMemory, keepInStorage } from './tokens.js';
export type { Progress } from './transport.js';
