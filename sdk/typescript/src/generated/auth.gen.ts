// Written by `make sdk` from docs/openapi.json.

import type { CallOptions, Caller } from '../operations.js';
import type {
  AuthChangePasswordData,
  AuthCreateApiKeyData,
  AuthCreateApiKeyResponse,
  AuthCreateUserData,
  AuthCreateUserResponse,
  AuthDeleteMeData,
  AuthDeleteUserData,
  AuthGetMeResponse,
  AuthGetUserData,
  AuthGetUserResponse,
  AuthListAllEventsData,
  AuthListAllEventsResponse,
  AuthListApiKeysData,
  AuthListApiKeysResponse,
  AuthListEventsData,
  AuthListEventsResponse,
  AuthListLoginsData,
  AuthListLoginsResponse,
  AuthListUserEventsData,
  AuthListUserEventsResponse,
  AuthListUsersData,
  AuthListUsersResponse,
  AuthLogInData,
  AuthLogInResponse,
  AuthRefreshData,
  AuthRefreshResponse,
  AuthRegisterData,
  AuthRegisterResponse,
  AuthRevokeApiKeyData,
  AuthRevokeLoginData,
  AuthUpdateMeData,
  AuthUpdateMeResponse,
  AuthUpdateUserData,
  AuthUpdateUserResponse,
} from './types.gen.js';

/**
 * Make an account. User names and email addresses are unique however they are written.
 */
export const register = (
  colloquy: Caller,
  input: AuthRegisterData['body'],
  options?: CallOptions,
): Promise<AuthRegisterResponse> =>
  colloquy.call({ method: 'POST', path: '/api/v1/auth/register', body: 'json' }, input, options);

/**
 * Log in with a user name or an email address, and get an access and a refresh token.
 *
 * Send the access token as `Authorization: Bearer ...` with every other request, and exchange
 * the refresh token at `/auth/refresh` when the access token is about to expire.
 */
export const logIn = (
  colloquy: Caller,
  input: AuthLogInData['body'],
  options?: CallOptions,
): Promise<AuthLogInResponse> =>
  colloquy.call({ method: 'POST', path: '/api/v1/auth/token', body: 'form' }, input, options);

/**
 * Exchange a refresh token for new tokens. It is good for one use.
 *
 * A second use ends the login, because two parties have the token: refresh from one place at a
 * time, store the new token before you use it, and log in again after `refresh_token_reused`.
 */
export const refresh = (
  colloquy: Caller,
  input: AuthRefreshData['body'],
  options?: CallOptions,
): Promise<AuthRefreshResponse> =>
  colloquy.call({ method: 'POST', path: '/api/v1/auth/refresh', body: 'json' }, input, options);

/**
 * End the login that asks; its tokens are refused from then on.
 */
export const logOut = (
  colloquy: Caller,
  options?: CallOptions,
): Promise<void> =>
  colloquy.call({ method: 'POST', path: '/api/v1/auth/logout' }, {}, options);

/**
 * End every login of yours, this one too. API keys stay.
 */
export const logOutEverywhere = (
  colloquy: Caller,
  options?: CallOptions,
): Promise<void> =>
  colloquy.call({ method: 'POST', path: '/api/v1/auth/logout-all' }, {}, options);

/**
 * Return the account that the access token or API key belongs to.
 */
export const getMe = (
  colloquy: Caller,
  options?: CallOptions,
): Promise<AuthGetMeResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/auth/me' }, {}, options);

/**
 * Delete your account with its documents, chats, logins and API keys. There is no way back.
 *
 * Files and vectors are purged in the background.
 */
export const deleteMe = (
  colloquy: Caller,
  input: AuthDeleteMeData['body'],
  options?: CallOptions,
): Promise<void> =>
  colloquy.call({ method: 'DELETE', path: '/api/v1/auth/me', body: 'json' }, input, options);

/**
 * Change your user name or email address.
 */
export const updateMe = (
  colloquy: Caller,
  input: AuthUpdateMeData['body'],
  options?: CallOptions,
): Promise<AuthUpdateMeResponse> =>
  colloquy.call({ method: 'PATCH', path: '/api/v1/auth/me', body: 'json' }, input, options);

/**
 * Change your password. Every other login ends; API keys stay.
 */
export const changePassword = (
  colloquy: Caller,
  input: AuthChangePasswordData['body'],
  options?: CallOptions,
): Promise<void> =>
  colloquy.call({ method: 'POST', path: '/api/v1/auth/me/password', body: 'json' }, input, options);

/**
 * List where you are logged in, the last used first.
 */
export const listLogins = (
  colloquy: Caller,
  input: NonNullable<AuthListLoginsData['query']> = {},
  options?: CallOptions,
): Promise<AuthListLoginsResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/auth/logins', query: ['cursor', 'limit'] }, input, options);

/**
 * End one of your logins; its tokens are refused from then on.
 */
export const revokeLogin = (
  colloquy: Caller,
  input: AuthRevokeLoginData['path'],
  options?: CallOptions,
): Promise<void> =>
  colloquy.call({ method: 'DELETE', path: '/api/v1/auth/logins/{login_id}' }, input, options);

/**
 * Make an API key for a program. Keep it: it is shown this once.
 *
 * Send it as `X-API-Key: ...` or as `Authorization: Bearer ...`.
 */
export const createApiKey = (
  colloquy: Caller,
  input: AuthCreateApiKeyData['body'],
  options?: CallOptions,
): Promise<AuthCreateApiKeyResponse> =>
  colloquy.call({ method: 'POST', path: '/api/v1/auth/api-keys', body: 'json' }, input, options);

/**
 * List your API keys, the newest first, without what is secret about them.
 */
export const listApiKeys = (
  colloquy: Caller,
  input: NonNullable<AuthListApiKeysData['query']> = {},
  options?: CallOptions,
): Promise<AuthListApiKeysResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/auth/api-keys', query: ['cursor', 'limit'] }, input, options);

/**
 * Revoke an API key; it is refused from then on.
 */
export const revokeApiKey = (
  colloquy: Caller,
  input: AuthRevokeApiKeyData['path'],
  options?: CallOptions,
): Promise<void> =>
  colloquy.call({ method: 'DELETE', path: '/api/v1/auth/api-keys/{key_id}' }, input, options);

/**
 * List what happened to your account, the newest first.
 */
export const listEvents = (
  colloquy: Caller,
  input: NonNullable<AuthListEventsData['query']> = {},
  options?: CallOptions,
): Promise<AuthListEventsResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/auth/events', query: ['cursor', 'limit'] }, input, options);

/**
 * List the accounts, the newest first.
 */
export const listUsers = (
  colloquy: Caller,
  input: NonNullable<AuthListUsersData['query']> = {},
  options?: CallOptions,
): Promise<AuthListUsersResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/auth/users', query: ['q', 'role', 'is_active', 'cursor', 'limit'] }, input, options);

/**
 * Make an account for somebody, also when registration is closed.
 */
export const createUser = (
  colloquy: Caller,
  input: AuthCreateUserData['body'],
  options?: CallOptions,
): Promise<AuthCreateUserResponse> =>
  colloquy.call({ method: 'POST', path: '/api/v1/auth/users', body: 'json' }, input, options);

/**
 * Return one account.
 */
export const getUser = (
  colloquy: Caller,
  input: AuthGetUserData['path'],
  options?: CallOptions,
): Promise<AuthGetUserResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/auth/users/{user_id}' }, input, options);

/**
 * Change a role, deactivate or reactivate, or set a new password.
 */
export const updateUser = (
  colloquy: Caller,
  input: AuthUpdateUserData['path'] & AuthUpdateUserData['body'],
  options?: CallOptions,
): Promise<AuthUpdateUserResponse> =>
  colloquy.call({ method: 'PATCH', path: '/api/v1/auth/users/{user_id}', body: 'json' }, input, options);

/**
 * Delete an account with its documents, chats, logins and API keys. There is no way back.
 */
export const deleteUser = (
  colloquy: Caller,
  input: AuthDeleteUserData['path'],
  options?: CallOptions,
): Promise<void> =>
  colloquy.call({ method: 'DELETE', path: '/api/v1/auth/users/{user_id}' }, input, options);

/**
 * List what happened to an account, the newest first.
 */
export const listUserEvents = (
  colloquy: Caller,
  input: AuthListUserEventsData['path'] & NonNullable<AuthListUserEventsData['query']>,
  options?: CallOptions,
): Promise<AuthListUserEventsResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/auth/users/{user_id}/events', query: ['cursor', 'limit'] }, input, options);

/**
 * List what happened to any account, failed logins to unknown ones too, the newest first.
 */
export const listAllEvents = (
  colloquy: Caller,
  input: NonNullable<AuthListAllEventsData['query']> = {},
  options?: CallOptions,
): Promise<AuthListAllEventsResponse> =>
  colloquy.call({ method: 'GET', path: '/api/v1/auth/audit', query: ['cursor', 'limit'] }, input, options);
