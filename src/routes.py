"""What the application answers to: routers, the templates of addresses, the methods of each."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

UNMATCHED = "unmatched"


class ModuleRouter(APIRouter):
    """A router that requests to other modules pass at once.

    FastAPI tries each route of each router that was included, and those of the right one twice.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if self.prefix in scope["path"]:
            return super().matches(scope)
        return Match.NONE, {}


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
