// Written by `make sdk` from docs/openapi.json.

import type { CallOptions, Caller } from '../operations.js';
import type {
  HealthCheckLiveResponse,
  HealthCheckReadyResponse,
  HealthCheckStartupResponse,
} from './types.gen.js';

/**
 * Tell that the process answers; whoever restarts it asks this.
 */
export const checkLive = (
  colloquy: Caller,
  options?: CallOptions,
): Promise<HealthCheckLiveResponse> =>
  colloquy.call({ method: 'GET', path: '/health/live' }, {}, options);

/**
 * Tell the state of each part; whoever sends traffic asks this.
 *
 * A server that is about to stop says so while it still answers, so that no request is lost.
 */
export const checkReady = (
  colloquy: Caller,
  options?: CallOptions,
): Promise<HealthCheckReadyResponse> =>
  colloquy.call({ method: 'GET', path: '/health/ready' }, {}, options);

/**
 * Tell whether every part could be used once; what became of them since is for `ready`.
 */
export const checkStartup = (
  colloquy: Caller,
  options?: CallOptions,
): Promise<HealthCheckStartupResponse> =>
  colloquy.call({ method: 'GET', path: '/health/startup' }, {}, options);
