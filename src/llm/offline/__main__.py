"""`python -m src.llm.offline --port 0`: the offline models as a process of their own."""

import argparse
import asyncio
import socket

import uvicorn

from src.llm.offline.app import create_offline_app
from src.llm.offline.faults import FAULTS

HOST = "127.0.0.1"
# Longer than clients keep an idle connection: else one might be closed while they reuse it.
KEEP_ALIVE_SECONDS = 75


class AnnouncingServer(uvicorn.Server):
    """Says on stdout where it listens, once it accepts connections."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        print(f"listening on http://{HOST}:{port}", flush=True)  # noqa: T201, whoever started this process reads it


async def serve(port: int, *, has_faults: bool = False) -> None:
    config = uvicorn.Config(
        create_offline_app(faults=FAULTS if has_faults else ()),
        host=HOST,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=1,
    )
    await AnnouncingServer(config).serve()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m src.llm.offline", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    asyncio.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
