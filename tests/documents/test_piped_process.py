"""A process on two pipes, of which nothing is left when it has ended."""

import asyncio
import gc
import os
import sys
from pathlib import Path

import psutil

from src.documents.piped_process import PipedProcess

# More than is read ahead, and no more than that and what a pipe holds: the process can end.
TALK = "import sys; sys.stdout.buffer.write(bytes(250_000))"


async def test_no_descriptor_is_left_of_what_nobody_read(tmp_path: Path) -> None:
    gc.disable()  # It would close the pipe as well, some time.
    try:
        before = psutil.Process().num_fds()
        process = await PipedProcess.start(
            [sys.executable, "-c", TALK], cwd=tmp_path, env=os.environ
        )
        assert await process.wait() == 0
        async with asyncio.timeout(60):
            while psutil.Process().num_fds() > before:
                await asyncio.sleep(0.01)
    finally:
        gc.enable()
