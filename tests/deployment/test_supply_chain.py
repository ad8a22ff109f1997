import json
import re

import pytest

from deploy.supply_chain import LOCK, ROOT, Package, build_sbom, read_lock, render_licences

TEXT = LOCK.read_text()
PACKAGES = list(read_lock(TEXT))


def test_every_locked_package_is_read() -> None:
    assert len(PACKAGES) == len(re.findall(r"^[\w.-]+==", TEXT, re.MULTILINE)) > 50
    assert all(package.sha256 for package in PACKAGES)


def test_the_table_of_licences_is_current() -> None:
    """Run `make licences` when this fails."""
    assert (ROOT / "docs" / "licences.md").read_text() == render_licences(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_package_is_permissive(package: Package) -> None:
    assert package.licence or package.marker, "neither installed nor for another platform"
    assert package.is_permissive, package.licence


@pytest.mark.parametrize(
    ("licence", "is_permissive"),
    [
        ("MIT", True),
        ("MIT AND PSF-2.0", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND (GPL-3.0-only OR Apache-2.0)", True),
        ("GPL-3.0-only", False),
        ("MIT AND LGPL-3.0-or-later", False),
        ("MPL-2.0", False),
        ("unknown", False),
    ],
)
def test_what_is_permissive(licence: str, *, is_permissive: bool) -> None:
    assert Package("it", "1", None, (), licence).is_permissive is is_permissive


def test_the_bill_of_materials_names_all_of_it() -> None:
    bill = json.loads(json.dumps(build_sbom(PACKAGES)))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert [each["purl"] for each in bill["components"]] == [each.purl for each in PACKAGES]
    assert len({each["bom-ref"] for each in bill["components"]}) == len(PACKAGES)
