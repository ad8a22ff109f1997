"""What Colloquy is made of: a table of licences and a bill of materials, from the lock file.

`python -m deploy.supply_chain licences` prints docs/licences.md and fails when a licence is not
permissive; `sbom` prints a CycloneDX 1.6 document. Both read the lock file and what is installed.
"""

import importlib.metadata
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements" / "base.txt"
PERMISSIVE = {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT"}
PERMISSIVE |= {"MIT-0", "PSF-2.0", "Unlicense", "Zlib"}
# Asks for the source of its own files only, and it is a list of certificates.
EXCEPTIONS = {"certifi": "MPL-2.0"}

# What packages write instead of an SPDX expression.
_SPELLINGS = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd license": "BSD-3-Clause",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "the unlicense (unlicense)": "Unlicense",
}
# Their metadata holds the text of the licence and not its name.
_READ_BY_HAND = {"httpx-aiohttp": "BSD-3-Clause"}
_LOCKED = re.compile(r"^([\w.-]+)==(\S+?)(?: ; (.+?))? \\\n((?:    --hash=.*\n)+)", re.MULTILINE)
_LONGEST_NAME = 40
_HEAD = """# Licences

Written by `make licences` from `requirements/base.txt`: every package that the server imports, as
its own metadata describes it. The tests fail when one is not permissive; `deploy/supply_chain.py`
has the list, and the reason for the one exception (certifi). Colloquy itself is Apache-2.0.

| package | version | licence |
|---|---|---|"""


@dataclass(frozen=True, slots=True)
class Package:
    """`licence` is an SPDX expression; None where the package is for other platforms than this."""

    name: str
    version: str
    marker: str | None
    sha256: tuple[str, ...]
    licence: str | None

    @property
    def is_permissive(self) -> bool:
        if self.licence is None or EXCEPTIONS.get(self.name) == self.licence:
            return True
        return all(
            any(name in PERMISSIVE for name in choice.strip("() ").split(" OR "))
            for choice in self.licence.split(" AND ")
        )

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def read_lock(text: str) -> Iterator[Package]:
    for name, version, marker, hashes in _LOCKED.findall(text):
        digests = tuple(re.findall(r"sha256:([0-9a-f]{64})", hashes))
        yield Package(name, version, marker or None, digests, find_licence(name))


def find_licence(name: str) -> str | None:
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    classified = [
        value.rpartition(" :: ")[2]
        for value in metadata.get_all("Classifier", [])
        if value.startswith("License :: OSI Approved :: ")
    ]
    free_text = metadata["License"] or ""
    named = [free_text] if 0 < len(free_text) <= _LONGEST_NAME else classified
    found = metadata["License-Expression"] or _READ_BY_HAND.get(name)
    return found or " OR ".join(_SPELLINGS.get(each.lower(), each) for each in named) or "unknown"


def render_licences(packages: list[Package]) -> str:
    rows = [
        f"| {each.name} | {each.version} | {each.licence or f'other platforms: `{each.marker}`'} |"
        for each in packages
    ]
    return "\n".join([_HEAD, *rows, ""])


def build_sbom(packages: list[Package]) -> dict[str, Any]:
    """Build a CycloneDX document; without a time or a serial number, so that equal locks agree."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": project["name"],
                "name": project["name"],
                "version": project["version"],
                "licenses": [{"expression": project["license"]}],
            }
        },
        "components": [_describe(package) for package in packages],
    }


def _describe(package: Package) -> dict[str, Any]:
    hashes = [{"alg": "SHA-256", "content": digest} for digest in package.sha256]
    return {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        # Of every file that the lock accepts: one for each platform, and the source.
        "hashes": hashes,
        **({"licenses": [{"expression": package.licence}]} if package.licence else {}),
    }


def main() -> None:
    packages = list(read_lock(LOCK.read_text()))
    if sys.argv[1:] == ["sbom"]:
        json.dump(build_sbom(packages), sys.stdout, indent=2)
        print()
        return
    print(render_licences(packages), end="")
    if refused := [f"{each.name}: {each.licence}" for each in packages if not each.is_permissive]:
        raise SystemExit(f"not permissive: {', '.join(refused)}")


if __name__ == "__main__":
    main()
