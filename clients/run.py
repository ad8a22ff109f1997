"""Drives programs of others against a running Colloquy: `make test-clients`.

Each has a virtual environment of its own, or the packages of `clients/node`; both are installed
from lock files. Prints a table and ends with 1 when anything did not go as it should.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from src.config import AuthSettings, LogSettings, OllamaSettings, Settings
from src.embedded.services import run_missing_services
from src.llm.offline.app import create_offline_app
from src.llm.offline.faults import FAULTS
from src.logs import configure_logging
from src.main import create_app
from tests.fixtures.servers import run_server
from tests.fixtures.users import sign_up

ROOT = Path(__file__).parents[1]
CACHE = ROOT / "build" / "clients"
NODE = ROOT / "clients" / "node"
SECONDS_PER_PROGRAM = 300
OXYGEN = "# Oxygen\n\nOxygen was discovered by Carl Wilhelm Scheele in Uppsala in 1773.\n"
PYTHON_PROGRAMS = {
    "openai_package.py": ("openai2", "openai3"),
    "langchain_package.py": ("openai2",),
    "llamaindex_package.py": ("llamaindex",),
    "ollama_package.py": ("openai2",),
}
NODE_PROGRAMS = ("openai.mjs", "vercel.mjs", "ollama.mjs")


@dataclass(frozen=True)
class Finding:
    program: str
    version: str
    check: str
    problem: str | None


def install_python(name: str) -> Path:
    """Make the virtual environment of one lock file, unless it is there; return its Python."""
    lock = ROOT / "requirements" / f"clients-{name}.txt"
    python, stamp = CACHE / name / "bin" / "python", CACHE / name / "lock.txt"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        print(f"Installing {lock.name} ...", flush=True)
        uv = str(Path(sys.executable).with_name("uv"))
        venv = str(CACHE / name)
        run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, venv)
        run(uv, "pip", "install", "--quiet", "--require-hashes", "--python", venv, "-r", str(lock))
        stamp.write_text(lock.read_text())
    return python


def install_node() -> str | None:
    """Install what the lock file of npm names; return Node, or None where there is none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        print("*** SKIPPED: Node is not here; the programs of npm were not driven. ***")
        return None
    lock, stamp = NODE / "package-lock.json", NODE / "node_modules" / ".installed"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        print("Installing the packages of npm ...", flush=True)
        run(npm, "ci", "--silent", "--ignore-scripts", folder=NODE)
        stamp.write_text(lock.read_text())
    return node


def run(*command: str, folder: Path = ROOT) -> None:
    subprocess.run(command, cwd=folder, check=True)  # noqa: S603, our own words


@asynccontextmanager
async def run_everything() -> AsyncIterator[dict[str, str]]:
    """Run a Colloquy whose model server has the faults as well, and a user with a document."""
    models = create_offline_app(faults=FAULTS, token_delay_seconds=0)
    with tempfile.TemporaryDirectory(prefix="colloquy-") as folder:
        async with run_server(models) as ollama:
            settings = Settings(
                _env_file=None,
                data_dir=Path(folder) / "data",
                ollama=OllamaSettings(
                    url=ollama.url, chat_model="offline-chat", embed_model="offline-embed"
                ),
                auth=AuthSettings(secret_key=SecretStr("only for this run, and for nobody else")),
                log=LogSettings(level="ERROR"),
            )
            configure_logging(settings)
            async with (
                run_missing_services(settings) as services,
                run_server(create_app(services.settings)) as server,
                sign_up(server.api_url) as user,
            ):
                await user.add_document(OXYGEN, "oxygen.md")
                key = await user.make_key("chat", "llm")
                yield {
                    "COLLOQUY_URL": server.url,
                    "COLLOQUY_TOKEN": key["key"],
                    "OLLAMA_HOST": ollama.url,
                }


async def drive(environment: dict[str, str], *command: str) -> list[Finding]:
    """Run one program and read what it tells."""
    process = await asyncio.create_subprocess_exec(
        *command, env=os.environ | environment, stdout=subprocess.PIPE
    )
    try:
        async with asyncio.timeout(SECONDS_PER_PROGRAM):
            stdout, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return [Finding(Path(command[-1]).name, "?", "all", "It did not end.")]
    lines = [line for line in stdout.decode().splitlines() if line.startswith("{")]
    found = [Finding(**json.loads(line)) for line in lines]
    if process.returncode or not found:
        found.append(Finding(Path(command[-1]).name, "?", "all", f"It ended: {process.returncode}"))
    return found


def print_table(findings: Iterable[Finding]) -> None:
    rows: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        passed = finding.check if finding.problem is None else f"FAILED: {finding.check}"
        rows.setdefault((finding.program, finding.version), []).append(passed)
    for (program, version), checks in rows.items():
        print(f"| {program} | {version} | {', '.join(checks)} |")


async def main() -> bool:
    pythons = {name: install_python(name) for name in ("openai2", "openai3", "llamaindex")}
    node = install_node()
    commands = [
        (str(pythons[name]), str(ROOT / "clients" / "python" / program))
        for program, names in PYTHON_PROGRAMS.items()
        for name in names
    ]
    if node is not None:
        commands += [(node, str(NODE / program)) for program in NODE_PROGRAMS]
    async with run_everything() as environment:
        findings = [
            finding for command in commands for finding in await drive(environment, *command)
        ]
    for finding in findings:
        if finding.problem is not None:
            print(f"{finding.program} {finding.version}, {finding.check}: {finding.problem}")
    print_table(findings)
    return all(finding.problem is None for finding in findings)


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(main()) else 1)
