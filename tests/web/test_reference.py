"""The reference of the API is there without the Internet."""

import re

import httpx
import pytest

from tests.fixtures.servers import LoopbackServer

_REFERENCE = re.compile(r"""(?:src|href|url|spec-url)\s*[=:]\s*["']([^"']+)""")


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_all_that_a_page_needs_comes_from_here(server: LoopbackServer, path: str) -> None:
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=100) as http:
        page = await http.get(path)
        named = _REFERENCE.findall(page.text)
        assert any(name.endswith(".js") for name in named)
        assert "/openapi.json" in named
        for name in named:
            assert name.startswith("/")
            assert (await http.get(name)).status_code == 200
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy


async def test_other_files_are_not_there(server: LoopbackServer) -> None:
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=100) as http:
        for name in ("nothing.js", "..%2f__init__.py", "%2e%2e/core.py"):
            assert (await http.get(f"/docs/{name}")).status_code == 404
