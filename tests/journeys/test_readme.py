"""The walk in the README, typed literally."""

import asyncio
import re
from pathlib import Path

from tests.fixtures.processes import ROOT, run_colloquy
from tests.fixtures.users import join_text, read_events


def read_walk() -> str:
    found = re.search(
        r"<!-- walk -->\n```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
    )
    assert found is not None
    return found[1]


async def test_the_walk_works_as_written(tmp_path: Path) -> None:
    async with run_colloquy(tmp_path / "data") as colloquy:
        walk = read_walk().replace("http://127.0.0.1:8000", colloquy.url)
        shell = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", walk),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(200):
            output = (await shell.communicate())[0].decode()
        assert shell.returncode == 0
    events = read_events(output[output.index("event: message.started") :].split("\n{")[0])
    assert [event.type for event in events][:2] == ["message.started", "sources"]
    assert events[-1].type == "message.completed"
    assert "Sostratus of Cnidus" in join_text(events)
    cited = [s["title"] for s in events[-1].data["message"]["sources"] if s["is_cited"]]
    assert cited == ["lighthouse"]
    assert "island of Pharos" in output.split("event: message.completed")[1]
