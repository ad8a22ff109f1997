// Written by `make sdk` from docs/openapi.json.

import type { CallOptions, Caller } from '../operations.js';
import type {
  HealthCheckLiveResponse,
  HealthCheckReadyResponse,
  HealthCheckServingResponse,
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
 * Tell whether requests can be answered here; whoever sends traffic asks this.
 *
 * It looks at what every request needs: the database, and a process that is not about to stop. A
 * server that is says so while it still answers, so that no request is lost.
 */
export const checkServing = (
  colloquy: Caller,
  options?: CallOptions,
): Promise<HealthCheckServingResponse> =>
  colloquy.call({ method: 'GET', path: '/health/serving' }, {}, options);

/**
 * Tell the state of each part; whoever watches asks this.
 *
 * Without models or vectors much still works, so a load balancer asks `/health/serving`.
 */
export const checkReady = (
  colloquy: Caller,
  options?: CallOptions,
): Promise<HealthCheckReadyResponse> =>
  colloquy.call({ method: 'GET', path: '/health/ready' }, {}, options);

/**
 * Tell whether requests could be answered once; whoever waits for a start asks this.
 */
export const checkStartup = (
  colloquy: Caller,
  options?: CallOptions,
): Promise<HealthCheckStartupResponse> =>
  colloquy.call({ method: 'GET', path: '/health/startup' }, {}, options);
