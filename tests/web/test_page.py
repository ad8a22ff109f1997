"""How the page for people is served; what it does is tested by `make test-web`."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from src.config import Settings, WebSettings
from src.main import create_app
from tests.fixtures.servers import LoopbackServer, run_server

ADDRESSES = ["/", "/chats/01890000-0000-7000-8000-000000000000", "/documents", "/account"]


@pytest.fixture
async def browser(server: LoopbackServer) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Accept": "text/html,*/*;q=0.8", "Accept-Encoding": "gzip"}
    async with httpx.AsyncClient(
        base_url=server.url, headers=headers, trust_env=False, timeout=100
    ) as http:
        yield http


async def find_assets(browser: httpx.AsyncClient) -> list[str]:
    page = await browser.get("/")
    return re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text)


@pytest.mark.parametrize("address", ADDRESSES)
async def test_the_page_is_at_each_address_of_its_router(
    browser: httpx.AsyncClient, address: str
) -> None:
    page = await browser.get(address)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>Colloquy</title>" in page.text
    assert page.headers["cache-control"] == "no-cache"


async def test_nothing_inline_may_run_and_nobody_may_frame_it(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/")
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    for directive in (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ):
        assert directive in policy.split("; ")
    assert page.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=", page.text)


async def test_the_page_is_sent_again_only_when_it_changed(browser: httpx.AsyncClient) -> None:
    etag = (await browser.get("/")).headers["etag"]
    again = await browser.get("/", headers={"If-None-Match": f'"other", {etag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == etag
    assert (await browser.get("/", headers={"If-None-Match": '"other"'})).status_code == 200


async def test_its_files_are_kept_for_good(browser: httpx.AsyncClient) -> None:
    assets = await find_assets(browser)
    assert {asset.rpartition(".")[2] for asset in assets} >= {"js", "css"}
    for asset in assets:
        response = await browser.get(asset)
        assert response.status_code == 200
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.headers["x-content-type-options"] == "nosniff"


async def test_what_shrinks_is_sent_compressed_to_whom_takes_it(browser: httpx.AsyncClient) -> None:
    script = next(asset for asset in await find_assets(browser) if asset.endswith(".js"))
    packed = await browser.get(script)
    plain = await browser.get(script, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2


async def test_head_tells_the_same_without_the_content(browser: httpx.AsyncClient) -> None:
    page, head = await browser.get("/"), await browser.head("/")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == page.headers["content-length"]


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/nothing",
        "/v1/nothing",
        "/nothing",
        "/assets/nothing.js",
        "/assets/..%2findex.html",
        "/assets/%2e%2e/page.py",
        "/chats/a/b",
        "/index.html",
    ],
)
async def test_every_other_address_is_a_problem_also_for_a_browser(
    browser: httpx.AsyncClient, address: str
) -> None:
    response = await browser.get(address)
    assert response.status_code == 404
    assert "json" in response.headers["content-type"]
    assert (await browser.head(address)).status_code == 404


async def test_nobody_posts_to_it(browser: httpx.AsyncClient) -> None:
    response = await browser.post("/")
    assert response.status_code == 405
    assert response.json()["code"] == "method_not_allowed"


async def test_it_is_no_part_of_the_api_and_can_be_left_out(
    settings: Settings, tmp_path: Path
) -> None:
    update = {
        "web": WebSettings(is_enabled=False),
        "documents": settings.documents.model_copy(update={"worker_concurrency": 0}),
        "data_dir": tmp_path,
    }
    app = create_app(settings.model_copy(update=update))
    assert app.openapi() == create_app(settings).openapi()
    async with (
        run_server(app) as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=100) as http,
    ):
        assert (await http.get("/")).status_code == 404
        assert (await http.get("/health/live")).status_code == 200
