"""What the application answers to: routers, the templates of addresses, the methods of each."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute, APIWebSocketRoute, RouteContext, iter_route_contexts
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

API_PREFIX = "/api/v1"
UNMATCHED = "unmatched"


class ModuleRouter(APIRouter):
    """A router that knows its requests by how their address begins.

    FastAPI finds a router by trying every route of each, and then tries them again for the route.
    What an address begins with, up to its first parameter, belongs to one router alone.
    """

    @cached_property
    def _beginnings(self) -> tuple[str, ...]:
        routes = [route for route in self.routes if isinstance(route, APIRoute | APIWebSocketRoute)]
        return tuple({route.path.partition("{")[0] for route in routes})

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope["path"]
        if not path.startswith(self._beginnings):
            return Match.NONE, {}
        if path.endswith("/"):  # The framework may know it without the slash.
            return super().matches(scope)
        return Match.FULL, {}


class RouteTable:
    """Made once, when every route is there; the application keeps it in `app.state.routes`."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._contexts: list[RouteContext] = list(iter_route_contexts(routes))
        self._templates = {id(found.original_route): found.path for found in self._contexts}

    def get_template(self, scope: Mapping[str, Any]) -> str:
        """Return `/api/v1/documents/{document_id}`, never the path, which holds what was typed."""
        return self._templates.get(id(scope.get("route"))) or UNMATCHED

    def list_methods(self, path: str) -> list[str]:
        """List what an address answers to; each method of it may be a route of its own."""
        return sorted(
            {
                method
                for found in self._contexts
                if found.methods and found.path_regex.match(path)
                for method in found.methods
            }
        )
