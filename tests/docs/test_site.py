"""The site of docs/: it builds without a warning, asks nothing of the network, and no link anywhere is dead."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from docs.pictures import TAKEN

CHECKOUT = Path(__file__).resolve().parents[2]
OUTSIDE = re.compile(r"(?:https?:)?//")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as ``make docs`` builds it; dead links, dead anchors and pages that no menu leads to are errors."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=CHECKOUT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder


class Fetched(HTMLParser):
    """What a browser fetches by itself when it shows a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = "href" if tag == "link" else "src"
        self.addresses += [value for key, value in attrs if key == name and value]


def test_pages_fetch_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 10
    for page in pages:
        outside = [address for address in Fetched(page).addresses if OUTSIDE.match(address)]
        assert not outside, f"{page.name} fetches {outside}"


def test_what_a_page_shows_is_there(site: Path) -> None:
    for page in site.rglob("*.html"):
        if page.name == "404.html":  # its addresses begin at the root of a server
            continue
        for address in Fetched(page).addresses:
            assert (page.parent / address.partition("#")[0]).exists(), f"{page.name} shows {address}"


def test_no_program_is_part_of_the_site(site: Path) -> None:
    assert not list(site.rglob("*.py"))


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md"])
def test_files_beside_the_site_have_no_dead_link(name: str) -> None:
    page = CHECKOUT / name
    for address in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not OUTSIDE.search(address):
            path, _, anchor = address.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), f"{name} leads to {address}"
            assert not anchor or anchor in anchors_of(target), f"{name} leads to {address}"


@pytest.mark.parametrize("folder", ["viewer", "plugins", "tests", "docs", "."])  # benchmarks write pages
def test_every_page_that_is_named_in_passing_is_there(folder: str) -> None:
    """Comments, docstrings and text name pages as ``docs/...md`` without a link."""
    files = [*(CHECKOUT / folder).glob("*.md")] if folder == "." else [*(CHECKOUT / folder).rglob("*")]
    for file in files:
        if file.suffix in (".md", ".py", ".toml"):
            for named in re.findall(r"\bdocs/[\w/]+\.md\b", file.read_text(encoding="utf-8")):
                assert (CHECKOUT / named).is_file(), f"{file.relative_to(CHECKOUT)} names {named}"


def anchors_of(page: Path) -> set[str]:
    """Headings as GitHub and the site spell their anchors."""
    found = set()
    for heading in re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8")):
        found.add(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-"))
    return found


def test_pictures_are_those_that_the_program_takes_and_stay_small() -> None:
    shown = {
        name
        for page in [*(CHECKOUT / "docs").rglob("*.md"), CHECKOUT / "README.md"]
        for name in re.findall(r"pictures/(\w+)\.png", page.read_text(encoding="utf-8"))
    }
    files = {file.stem: file.stat().st_size for file in (CHECKOUT / "docs" / "pictures").glob("*.png")}
    assert set(files) == shown == set(TAKEN)
    assert sum(files.values()) < 4 << 20
