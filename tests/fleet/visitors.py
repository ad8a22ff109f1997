"""Users who do everything at once, and remember what they were told.

What a visitor was told (2xx) goes into a ledger. What they were not told, because the connection
broke or a part was away (502, 503, 504), may or may not have happened. Anything else is a
violation. At the end the ledger is compared with what there is.
"""

import asyncio
import contextlib
import random
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.fixtures.users import JSON, PASSWORD, join_text, read_events

_TRY_LATER = {429, 502, 503, 504}
_MOST_DOCUMENTS = 40
_SETTLE_SECONDS = 180
_CHECK_TRIES = 5


class NotToldError(Exception):
    """The answer did not come, or says to come again."""


@dataclass
class Ledger:
    """Documents by id with their bytes; answers by id with the text that was received.

    `doubtful` are documents whose deletion may or may not have happened.
    """

    documents: dict[str, bytes] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)
    completed: dict[str, str] = field(default_factory=dict)
    begun: dict[str, str] = field(default_factory=dict)
    dead_tokens: list[str] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    untold: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


class Visitor:
    """One user. Every call goes to an address drawn by chance, as behind a load balancer."""

    def __init__(self, http: httpx.AsyncClient, urls: Sequence[str], chance: random.Random) -> None:
        self.ledger = Ledger()
        self.name = f"v{secrets.token_hex(6)}"
        self._http = http
        self._urls = urls
        self._chance = chance
        self._token = ""
        self._tries = 1
        self._uploads = 0

    async def enter(self) -> None:
        account = {"username": self.name, "email": f"{self.name}@example.org", "password": PASSWORD}
        await self._call("POST", "/auth/register", json=account)
        self._token = await self._get_token()

    async def do_something(self) -> None:
        """Do one thing, and note in the ledger what came of it."""
        room = len(self.ledger.documents) < _MOST_DOCUMENTS
        weights = {
            "upload": 5 if room else 0,
            "ask": 5,
            "come_back": 2,
            "stop": 1,
            "search": 3,
            "delete": 2,
            "log_in_and_out": 1,
        }
        [name] = self._chance.choices([*weights], [*weights.values()])
        try:
            await getattr(self, name)()
            self.ledger.told[name] += 1
        except NotToldError:
            self.ledger.untold[name] += 1

    async def upload(self) -> None:
        files = [self._make_file() for _ in range(self._chance.randint(1, 3))]
        parts = [("files", file) for file in files]
        answer = await self._call("POST", "/documents", expect=202, files=parts)
        for (_, content), result in zip(files, answer.json()["results"], strict=True):
            self.ledger.documents[result["document"]["id"]] = content

    async def ask(self) -> None:
        """Ask, and read the answer, or only its beginning."""
        query = {"query": f"What is in the {self.name} box {self._chance.randint(0, 50)}?"}
        await self._follow("POST", "/chat/query/stream", json=query, is_patient=self._flip())

    async def come_back(self) -> None:
        if message_id := self._draw_unfinished():
            await self._follow("GET", f"/chat/messages/{message_id}/stream")

    async def stop(self) -> None:
        if message_id := self._draw_unfinished():
            await self._call("POST", f"/chat/messages/{message_id}/stop")

    async def search(self) -> None:
        answer = await self._call("POST", "/documents/search", json={"query": self.name})
        for passage in answer.json()["passages"]:
            if self.name not in passage["text"]:
                self._complain(f"found somebody else's {passage['text']!r}")
            if passage["document_id"] in self.ledger.deleted:
                self._complain(f"found {passage['document_id']}, which was deleted")

    async def delete(self) -> None:
        if not self.ledger.documents:
            return
        document_id = self._chance.choice([*self.ledger.documents])
        del self.ledger.documents[document_id]
        self.ledger.doubtful.add(document_id)
        await self._call("DELETE", f"/documents/{document_id}", expect=204)
        self.ledger.doubtful.discard(document_id)
        self.ledger.deleted.add(document_id)

    async def log_in_and_out(self) -> None:
        token = await self._get_token()
        await self._call("POST", "/auth/logout", expect=204, token=token)
        self.ledger.dead_tokens.append(token)

    async def check(self) -> None:
        """Compare the ledger with what there is, once everything runs again."""
        self._tries = _CHECK_TRIES
        await self._check_documents()
        for document_id in self.ledger.deleted:
            await self._call("GET", f"/documents/{document_id}", expect=404)
        for message_id in self.ledger.begun:
            await self._check_answer(message_id)
        for token in self.ledger.dead_tokens:
            await self._call("GET", "/auth/me", expect=401, token=token)
        await self.search()

    async def _check_documents(self) -> None:
        listed = await self._list_documents()
        for document_id in self.ledger.documents:
            if document_id not in listed:
                self._complain(f"lost document {document_id}")
                continue
            await self._check_document(document_id)
        if back := self.ledger.deleted & listed.keys():
            self._complain(f"deleted documents are back: {back}")

    async def _check_document(self, document_id: str) -> None:
        document: JSON = {}
        async with asyncio.timeout(_SETTLE_SECONDS):
            while document.get("status") not in ("ready", "failed"):
                document = (await self._call("GET", f"/documents/{document_id}")).json()
                await asyncio.sleep(0.1)
        if document["status"] == "failed":
            self._complain(f"document failed: {document}")
        content = (await self._call("GET", f"/documents/{document_id}/content")).content
        if content != self.ledger.documents[document_id]:
            self._complain(f"content of {document_id} changed")

    async def _check_answer(self, message_id: str) -> None:
        """A completed answer is what was received; a cut one agrees as far as both go."""
        message: JSON = {"status": "streaming"}
        async with asyncio.timeout(_SETTLE_SECONDS):
            while message["status"] == "streaming":
                message = (await self._call("GET", f"/chat/messages/{message_id}")).json()
                await asyncio.sleep(0.1)
        stored = message["content"]
        if message_id in self.ledger.completed and stored != self.ledger.completed[message_id]:
            self._complain(f"answer {message_id} changed after it was completed: {stored!r}")
        received = self.ledger.begun[message_id]
        if not (stored.startswith(received) or received.startswith(stored)):
            self._complain(f"answer {message_id}: stored {stored!r}, received {received!r}")
        if message["status"] == "failed" and not message["error"]["code"].endswith("_unavailable"):
            self._complain(f"answer {message_id} failed: {message['error']}")

    async def _list_documents(self) -> dict[str, JSON]:
        listed: dict[str, JSON] = {}
        params = {"limit": "100"}
        while True:
            page = (await self._call("GET", "/documents", params=params)).json()
            listed |= {item["id"]: item for item in page["items"]}
            if not page["next_cursor"]:
                return listed
            params["cursor"] = page["next_cursor"]

    async def _follow(
        self,
        method: str,
        path: str,
        *,
        is_patient: bool = True,
        **body: Any,  # noqa: ANN401, httpx's own
    ) -> None:
        received = ""
        try:
            async with self._http.stream(
                method, self._draw() + path, headers=self._headers(), **body
            ) as response:
                if response.status_code != httpx.codes.OK:
                    await response.aread()
                    self._judge(response, httpx.codes.OK)
                async for text in response.aiter_text():
                    received += text
                    if not is_patient and "answer.delta" in received:
                        break
        except httpx.TransportError as error:
            self._note(received)
            raise NotToldError from error
        self._note(received)

    def _note(self, received: str) -> None:
        events = read_events(received[: received.rfind("\n\n") + 2])
        if not events or events[0].type != "message.started":
            return
        message_id = events[0].data["message_id"]
        text = join_text(events)
        self.ledger.begun[message_id] = max(self.ledger.begun.get(message_id, ""), text, key=len)
        if events[-1].type == "message.completed":
            message = events[-1].data["message"]
            self.ledger.completed[message_id] = message["content"]
            if text != message["content"]:
                self._complain(f"answer {message_id}: {text!r} was sent for {message}")

    async def _get_token(self) -> str:
        form = {"username": self.name, "password": PASSWORD}
        answer = await self._call("POST", "/auth/token", data=form)
        token: str = answer.json()["access_token"]
        return token

    async def _call(
        self,
        method: str,
        path: str,
        *,
        expect: int | None = None,
        token: str = "",
        **body: Any,  # noqa: ANN401, httpx's own
    ) -> httpx.Response:
        for _ in range(self._tries - 1):
            with contextlib.suppress(NotToldError):
                return await self._call_once(method, path, expect, token, body)
        return await self._call_once(method, path, expect, token, body)

    async def _call_once(
        self, method: str, path: str, expect: int | None, token: str, body: Mapping[str, Any]
    ) -> httpx.Response:
        headers = self._headers(token)
        try:
            response = await self._http.request(
                method, self._draw() + path, headers=headers, **body
            )
        except httpx.TransportError as error:
            raise NotToldError from error
        self._judge(response, expect)
        return response

    def _judge(self, response: httpx.Response, expect: int | None) -> None:
        if response.status_code in _TRY_LATER:
            raise NotToldError
        is_right = response.is_success if expect is None else response.status_code == expect
        if not is_right:
            request = response.request
            self._complain(
                f"{request.method} {request.url.path}: {response.status_code} {response.text}"
            )
            raise NotToldError

    def _complain(self, what: str) -> None:
        self.ledger.violations.append(f"{self.name}: {what}")

    def _headers(self, token: str = "") -> dict[str, str]:
        token = token or self._token
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _draw_unfinished(self) -> str | None:
        unfinished = [*(self.ledger.begun.keys() - self.ledger.completed.keys())]
        return self._chance.choice(sorted(unfinished)) if unfinished else None

    def _draw(self) -> str:
        return self._chance.choice(self._urls)

    def _flip(self) -> bool:
        return self._chance.random() < 0.5

    def _make_file(self) -> tuple[str, bytes]:
        self._uploads += 1
        box = f"{self.name} box {self._uploads}"
        lines = [
            f"In the {box} there are {self._chance.randint(1, 999)} coins."
            for _ in range(self._chance.choice([1, 5, 60]))
        ]
        return f"{self._uploads}.md", "\n\n".join([*lines, secrets.token_hex(8)]).encode()
