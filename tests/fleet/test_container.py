"""An API as in the image: user 10001, no capability, nothing writable but `/tmp` and `/data`.

Namespaces make here what a container would: no image can be built where these tests run.
"""

import asyncio
import os
import shlex
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from src.embedded.privileges import is_root
from tests.fixtures.users import sign_up
from tests.fleet.fleet import ROOT, Fleet
from tests.fleet.parts import HOST, Part, answers_http, find_free_port

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not is_root(), reason="only root makes a file system read-only"),
]

INTERPRETER = Path(sys.executable).resolve()

# What is under folders that only root may enter is bound to where everybody may.
_CONTAIN = """
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/python /mnt/app /mnt/data
mount --bind {python} /mnt/python
mount --bind {app} /mnt/app
mount --bind {files} /mnt/data
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -o remount,bind,ro /
mount -o remount,ro /mnt
mount -o remount,bind,ro /mnt/python
mount -o remount,bind,ro /mnt/app
cd /mnt/app
exec setpriv --reuid=10001 --regid=10001 --clear-groups --bounding-set=-all --no-new-privs \\
    /mnt/python/bin/{interpreter} -m src.cli "$@"
"""


@pytest.fixture
async def contained(fleet: Fleet) -> AsyncIterator[Part]:
    (fleet.folder / "files").chmod(0o777)  # A volume belongs to the user of the image.
    port = find_free_port()
    script = _CONTAIN.format(
        python=shlex.quote(str(INTERPRETER.parents[1])),
        app=shlex.quote(str(ROOT)),
        files=shlex.quote(str(fleet.folder / "files")),
        interpreter=INTERPRETER.name,
    )
    packages = Path(pytest.__file__).parents[1]
    env = {
        **fleet.env,
        "DOCUMENTS_WORKER_CONCURRENCY": "0",
        "HOST": HOST,
        "PORT": str(port),
        "LD_LIBRARY_PATH": "/mnt/python/lib",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": f"/mnt/app/{packages.relative_to(ROOT)}",
        "STORAGE_URL": "file:///mnt/data",
    }
    url = f"http://{HOST}:{port}"
    argv = ["unshare", "--mount", "sh", "-c", script, "sh", "serve"]
    part = Part(
        "contained", argv, fleet.folder, lambda _: answers_http(f"{url}/health/ready"), env, url
    )
    await part.start()
    yield part
    assert await part.stop() == 0


@pytest.mark.skipif(shutil.which("unshare") is None, reason="util-linux is not installed")
async def test_it_does_all_its_work_with_nothing_to_write_to(fleet: Fleet, contained: Part) -> None:
    """Uploads, answers and embeddings; a worker of the fleet reads the file."""
    del fleet
    status = await asyncio.to_thread(Path(f"/proc/{contained.pid}/status").read_text)
    assert "Uid:\t10001\t10001\t10001\t10001" in status
    assert "CapEff:\t0000000000000000" in status
    root = os.statvfs(f"/proc/{contained.pid}/root/")
    assert root.f_flag & os.ST_RDONLY
    async with sign_up(contained.api_url) as user:
        document = await user.add_document("The lighthouse was built by Sostratus of Cnidus.")
        answer = await user.ask("Who built the lighthouse?")
        assert "Sostratus" in answer["answer"]
        content = await user.http.get(f"/documents/{document['id']}/content")
        assert "Sostratus" in content.text
        assert (await user.http.delete(f"/documents/{document['id']}")).status_code == 204
    assert "Traceback" not in contained.log
    assert "Permission denied" not in contained.log
    assert "Read-only file system" not in contained.log
