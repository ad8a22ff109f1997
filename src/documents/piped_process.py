"""A child on two pipes, started without a copy of this process.

uvloop forks, and the kernel then copies the tables of all our memory: 25 to 60 ms in which nobody
else is served. The standard library's `vfork` copies nothing.
"""

import asyncio
import os
import subprocess
from asyncio.streams import FlowControlMixin
from collections.abc import Mapping, Sequence
from pathlib import Path


class PipedProcess:
    """What `asyncio.subprocess.Process` offers, as far as it is used."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        stdin: asyncio.StreamWriter,
        stdout: asyncio.StreamReader,
        source: asyncio.ReadTransport,
    ) -> None:
        self._process = process
        self._source = source
        self.stdin = stdin
        self.stdout = stdout

    @classmethod
    async def start(
        cls, command: Sequence[str | os.PathLike[str]], *, cwd: Path, env: Mapping[str, str]
    ) -> "PipedProcess":
        process = subprocess.Popen(  # noqa: S603, ASYNC220, it takes a millisecond or two
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            cwd=cwd,
            env=env,
            # Ctrl-C is for us; the process ends when we have closed the pipe.
            start_new_session=True,
        )
        try:
            return cls(process, *await _connect(process))
        except BaseException:
            process.kill()
            process.wait()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.poll()

    def kill(self) -> None:
        self._process.kill()

    async def wait(self) -> int:
        """To be asked of a process that was killed or has closed its pipe."""
        self.stdin.close()
        try:
            return await asyncio.to_thread(self._process.wait)
        finally:
            self._source.close()  # With more to read than anybody wants, it never sees the end.


async def _connect(
    process: subprocess.Popen[bytes],
) -> tuple[asyncio.StreamWriter, asyncio.StreamReader, asyncio.ReadTransport]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    source, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), process.stdout
    )
    transport, protocol = await loop.connect_write_pipe(FlowControlMixin, process.stdin)
    return asyncio.StreamWriter(transport, protocol, None, loop), reader, source
