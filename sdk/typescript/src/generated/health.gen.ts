// Written by `make sdk` from docs/openapi.json.

import type { CallOptions, Caller } from '../operations.js';
import type {
  HealthCheckLiveResponse,
  HealthCheckReadyResponse,
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
 */
export const checkReady = (
  colloquy: Caller,
  options?: CallOptions,
): Promise<HealthCheckReadyResponse> =>
  colloquy.call({ method: 'GET', path: '/health/ready' }, {}, options);
