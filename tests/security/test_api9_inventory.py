"""OWASP API9:2023. What answers is known, documented, and there once."""

from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from src.config import Settings
from src.main import create_app

# What is for people, for Prometheus, or speaks no HTTP.
UNDOCUMENTED = {
    *("/docs", "/docs/oauth2-redirect", "/docs/{name}", "/redoc", "/openapi.json", "/metrics"),
    *("/", "/chats/{chat_id}", "/documents", "/account", "/assets/{name}"),
    "/api/v1/chat/ws",
}


def test_every_address_is_documented_or_known_not_to_be() -> None:
    app = create_app(Settings(_env_file=None))
    documented = set(app.openapi()["paths"])
    paths = {str(context.path).replace(":path", "") for context in iter_route_contexts(app.routes)}
    assert paths - documented - UNDOCUMENTED == set()


def test_nothing_is_mounted_whose_files_nobody_lists() -> None:
    app = create_app(Settings(_env_file=None))
    mounts = [c.original_route for c in iter_route_contexts(app.routes)]
    assert not [route for route in mounts if isinstance(route, Mount)]


def test_there_is_one_version() -> None:
    paths = create_app(Settings(_env_file=None)).openapi()["paths"]
    prefixes = {"/".join(path.split("/")[:3]) for path in paths if path.startswith("/api")}
    assert prefixes == {"/api/v1"}
