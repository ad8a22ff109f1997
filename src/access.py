"""Who may call what: one row for every route, checked before anything of the route runs.

A route without a row keeps the application from starting. Whose data a route shows is not decided
here: what belongs to somebody else is not found, by the queries of each module.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import structlog
from fastapi import FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute

from src.auth.callers import Authenticator
from src.auth.exceptions import (
    AdminRequiredError,
    InvalidAPIKeyError,
    InvalidTokenError,
    LoginRequiredError,
    MissingScopeError,
    TooManyAtOnceError,
    TooManyRequestsError,
)
from src.auth.limits import AttemptLimiter, Load
from src.auth.places import Occupation, Places
from src.auth.schemas import Principal, Scope
from src.exceptions import AppError, UnauthenticatedError
from src.routes import RouteTable

# What anybody may read without being an operation: the API's description, and the page's files.
_PLAIN_ROUTES: Final = {
    "openapi",
    "swagger_ui_html",
    "swagger_ui_redirect",
    "redoc_html",
    "reference_file",
    "page",
    "page_asset",
}


class UnlistedRouteError(Exception):
    """A route was added without a row in the table of access."""


@dataclass(frozen=True, slots=True)
class Access:
    """`public`: anybody. `user`: anybody known. `login`: with a password, not by an API key."""

    who: Literal["public", "user", "login", "admin"]
    scopes: frozenset[Scope] = field(default_factory=frozenset)
    load: Load = "light"
    occupation: Occupation | None = None

    def check(self, caller: Principal) -> None:
        if self.who in ("login", "admin") and caller.login_id is None:
            raise LoginRequiredError
        if self.who == "admin" and caller.role != "admin":
            raise AdminRequiredError
        if self.scopes:
            caller.require_scope(*sorted(self.scopes))

    def list_errors(self) -> tuple[type[AppError], ...]:
        """Say how somebody is turned away, for the OpenAPI document."""
        if self.who == "public":
            return ()
        errors: list[type[AppError]] = [UnauthenticatedError, InvalidTokenError, InvalidAPIKeyError]
        if self.who in ("login", "admin"):
            errors.append(LoginRequiredError)
        if self.who == "admin":
            errors.append(AdminRequiredError)
        if self.scopes:
            errors.append(MissingScopeError)
        errors.append(TooManyRequestsError)
        return (*errors, TooManyAtOnceError) if self.occupation else tuple(errors)


def _scope(*any_of: Scope, load: Load = "light", occupation: Occupation | None = None) -> Access:
    return Access("user", frozenset(any_of), load, occupation)


_PUBLIC: Final = Access("public")
_USER: Final = Access("user")
_LOGIN: Final = Access("login")
_ADMIN: Final = Access("admin")
_CHAT: Final = _scope("chat")
_ASK: Final = _scope("chat", load="model", occupation="stream")
_OPENAI: Final = _scope("llm", "chat", load="model", occupation="stream")
_EMBED: Final = _scope("llm", load="model")
_READ: Final = _scope("documents:read")
_WRITE: Final = _scope("documents:write")

# By operation id. A WebSocket gets its caller with its first message: what stands here is what its
# own handler asks of them.
ACCESS: Final[Mapping[str, Access]] = {
    "health_check_live": _PUBLIC,
    "health_check_ready": _PUBLIC,
    "health_check_serving": _PUBLIC,
    "health_check_startup": _PUBLIC,
    "health_read_metrics": _PUBLIC,  # It asks for a token of its own.
    "auth_register": _PUBLIC,
    "auth_log_in": _PUBLIC,
    "auth_refresh": _PUBLIC,
    "auth_log_out": _LOGIN,
    "auth_log_out_everywhere": _LOGIN,
    "auth_get_me": _USER,
    "auth_update_me": _LOGIN,
    "auth_delete_me": _LOGIN,
    "auth_change_password": _LOGIN,
    "auth_list_logins": _LOGIN,
    "auth_revoke_login": _LOGIN,
    "auth_create_api_key": _LOGIN,
    "auth_list_api_keys": _LOGIN,
    "auth_revoke_api_key": _LOGIN,
    "auth_list_events": _LOGIN,
    "auth_list_users": _ADMIN,
    "auth_create_user": _ADMIN,
    "auth_get_user": _ADMIN,
    "auth_update_user": _ADMIN,
    "auth_delete_user": _ADMIN,
    "auth_list_user_events": _ADMIN,
    "auth_list_all_events": _ADMIN,
    "documents_upload_documents": _scope("documents:write", load="upload", occupation="upload"),
    "documents_list_documents": _READ,
    "documents_search_documents": _scope("documents:read", load="model"),
    "documents_get_document": _READ,
    "documents_list_chunks": _READ,
    "documents_delete_document": _WRITE,
    "documents_get_usage": _READ,
    "documents_list_formats": _scope("documents:read", "documents:write"),
    "documents_download_document": _READ,
    "documents_follow_document": _scope("documents:read", occupation="stream"),
    "documents_update_document": _WRITE,
    "documents_reprocess_document": _scope("documents:write", load="upload"),
    "chat_ask": _ASK,
    "chat_ask_stream": _ASK,
    "chat_create_session": _CHAT,
    "chat_list_sessions": _CHAT,
    "chat_get_session": _CHAT,
    "chat_update_session": _CHAT,
    "chat_delete_session": _CHAT,
    "chat_list_messages": _CHAT,
    "chat_get_message": _CHAT,
    "chat_resume_stream": _scope("chat", occupation="stream"),
    "chat_stop_message": _CHAT,
    "chat_regenerate_message": _ASK,
    "chat_set_feedback": _CHAT,
    "chat_delete_feedback": _CHAT,
    "chat_export_session": _CHAT,
    "chat_search_messages": _CHAT,
    "open_socket": _CHAT,
    "llm_list_models": _scope("llm", "chat"),
    "llm_get_model": _scope("llm", "chat"),
    "llm_get_status": _scope("llm", "chat"),
    "llm_pull_model": _ADMIN,
    "llm_delete_model": _ADMIN,
    "llm_create_embeddings": _EMBED,
    "llm_list_usage": _scope("llm", "chat"),
    # A question to one's documents asks for the scope `chat` besides.
    "openai_create_chat_completion": _OPENAI,
    "openai_create_completion": _OPENAI,
    "openai_create_embedding": _EMBED,
    "openai_create_response": _OPENAI,
    "openai_list_models": _scope("llm", "chat"),
    "openai_get_model": _scope("llm", "chat"),
}


def name_operation(route: BaseRoute) -> str:
    """Name operations `tag_function`: they become the methods of the SDK."""
    name: str = getattr(route, "name", "")
    tags: list[str] = getattr(route, "tags", [])
    return f"{tags[0]}_{name}" if tags else name


async def enforce_access(connection: HTTPConnection) -> None:
    """Let nobody in whom the table does not name, and keep the caller for the route."""
    routes: RouteTable = connection.app.state.routes
    structlog.contextvars.bind_contextvars(route=routes.get_template(connection.scope))
    access = ACCESS[name_operation(connection.scope["route"])]
    if access.who == "public" or connection.scope["type"] == "websocket":
        return
    credential = _get_credential(connection)
    if credential is None:
        raise UnauthenticatedError
    authenticator: Authenticator = connection.state.authenticator
    caller = await authenticator.authenticate(credential)
    structlog.contextvars.bind_contextvars(user_id=str(caller.user_id))
    access.check(caller)
    await _count(connection, caller, access)
    connection.state.caller = caller


async def _count(connection: HTTPConnection, caller: Principal, access: Access) -> None:
    """Refuse what is too much; a place that is taken is given back by the middleware."""
    limiter: AttemptLimiter = connection.state.limiter
    places: Places = connection.state.places
    await limiter.count_request(access.load, caller.user_id, caller.key_id)
    if access.occupation is not None:
        connection.state.give_back = places.take(access.occupation, caller.user_id)


def require_access_rows(app: FastAPI) -> None:
    """Raise unless every route has a row or is known to be no operation."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        is_ours = isinstance(route, APIRoute | APIWebSocketRoute)
        known: Mapping[str, Access] | set[str] = ACCESS if is_ours else _PLAIN_ROUTES
        if name_operation(route) not in known:
            raise UnlistedRouteError(
                f"{context.path}: add {name_operation(route)!r} to ACCESS in src/access.py"
            )


def render_access(document: Mapping[str, Any]) -> str:
    """Write the table for people, as `docs/access.md` holds it, from an OpenAPI document."""
    rows = [
        _render_row(method.upper(), path, ACCESS[operation["operationId"]])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    return "\n".join([_INTRODUCTION, *rows, ""])


_INTRODUCTION: Final = """\
# Who may call what

Written by `make access` from `src/access.py`, which is what the server enforces.

- **own**: what belongs to somebody else answers 404, as if it did not exist, to everybody, also
  to administrators.
- An API key needs one of the scopes named; with another one the answer is 403 `missing_scope`.
  **never** is 403 `login_required`: no API key manages accounts, not even an administrator's.
- Without credentials the answer is 401 wherever it does not say **yes**. The same goes, from the
  next request on, for a login that ended, an API key that was revoked or has expired, and
  everything of a user who was deactivated or deleted.

| Operation | Nobody | A user | An administrator | An API key |
|---|---|---|---|---|"""


def _render_row(method: str, path: str, access: Access) -> str:
    is_owned = "_id}" in path and access.who != "admin"
    everybody = "own" if is_owned else "yes"
    cells = [
        f"`{method} {path}`",
        "yes" if access.who == "public" else "401",
        "403 `admin_required`" if access.who == "admin" else everybody,
        everybody,
        _render_key_cell(access, everybody),
    ]
    return f"| {' | '.join(cells)} |"


def _render_key_cell(access: Access, everybody: str) -> str:
    if access.who in ("login", "admin"):
        return "never"
    if not access.scopes:
        return everybody
    return " or ".join(f"`{scope}`" for scope in sorted(access.scopes))


def _get_credential(connection: HTTPConnection) -> str | None:
    scheme, _, credential = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credential.strip() or None
    return connection.headers.get("x-api-key") or None
