"""The nginx.conf of the deployment, with the addresses of processes of this machine."""

from collections.abc import Sequence
from pathlib import Path

from src.embedded.privileges import is_root
from tests.fleet.parts import HOST, Part, accepts, find_free_port, find_program

NGINX = find_program("nginx")
_CONF = Path(__file__).parents[2] / "deploy" / "nginx" / "nginx.conf"


def write_nginx_conf(folder: Path, port: int, ports: Sequence[int]) -> Path:
    """Change the addresses and the temporary folder, and nothing else."""
    text = _CONF.read_text()
    server = "server api:8000 max_fails=1 fail_timeout=2s;"
    replaced = {
        server: "\n".join(server.replace("api:8000", f"{HOST}:{each}") for each in ports),
        "listen 8080;": f"listen {HOST}:{port};",
        "/tmp/": f"{folder}/",  # noqa: S108, the container's
        "/dev/stderr": str(folder / "nginx-error.log"),
        "/dev/stdout": str(folder / "nginx-access.log"),
    }
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    path = folder / "nginx.conf"
    path.write_text(text)
    return path


def make_nginx(folder: Path, ports: Sequence[int]) -> Part:
    port = find_free_port()
    conf = write_nginx_conf(folder, port, ports)
    # Only root may choose; then the temporary folders are root's as well.
    directives = "daemon off; user root;" if is_root() else "daemon off;"
    argv = [str(NGINX), "-c", str(conf), "-e", str(folder / "start.log"), "-g", directives]

    async def answers(_: Part) -> bool:
        return await accepts(port)

    return Part("nginx", argv, folder, answers, url=f"http://{HOST}:{port}")
