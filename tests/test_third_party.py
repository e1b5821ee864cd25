"""What comes from others: a line of THIRD_PARTY.md for each file of the built site, and its licence."""

import re
from fnmatch import fnmatch
from io import BytesIO

import fonts
import licences
import pytest
from conftest import ROOT
from fontTools.ttLib import TTFont

SITE = ROOT / "_build" / "html"
TEXT = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
LINES = [line.split("|")[1:-1] for line in TEXT.splitlines() if line.startswith("| `")]
PATTERNS = [pattern for files, *_ in LINES for pattern in re.findall("`([^` ]+)`", files)]
ALWAYS = [pattern for files, *_ in LINES if "where" not in files for pattern in re.findall("`([^` ]+)`", files)]


def test_every_file_of_the_site_has_one_line_and_every_line_a_file():
    held = [path.relative_to(SITE).as_posix() for path in SITE.rglob("*") if path.is_file()]
    for name in held:
        assert sum(fnmatch(name, pattern) for pattern in PATTERNS) == 1, f"{name}: whose is it?"
    for pattern in ALWAYS:
        assert any(fnmatch(name, pattern) for name in held), pattern


def test_every_package_named_has_its_licence_in_the_site():
    """And the other way round; the build fails where a package brings none."""
    written = (SITE / "_static" / licences.FILE).read_text(encoding="utf-8")
    others = " ".join(theirs for _, _, theirs in LINES).lower()
    for package in licences.PACKAGES:
        assert package.lower() in others
        assert f"\n{licences.licence(package)}\n" in f"\n{written}"
    named = set(re.findall(r"sphinx-\w+(?:-theme)?|pydata-sphinx-theme|pygments|myst-nb", others))
    assert named <= {package.lower() for package in licences.PACKAGES}
    for notice in (
        "SIL OPEN FONT LICENSE Version 1.1",
        "Reserved Font Name 'Source'",
        "The STIX Fonts Project",
    ):
        assert notice in written
    assert "Bootstrap" in (SITE / "_static" / "book.css").read_text(encoding="utf-8")
    assert "clipboard.js" in (SITE / "_static" / "book.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(SITE.glob("_static/*.woff2")), ids=lambda path: path.stem)
def test_no_font_bears_a_name_that_its_owners_reserve(path):
    """The copyright goes on saying whose it is; what the font is called says it is another one."""
    names = TTFont(BytesIO(path.read_bytes()))["name"]
    called = " ".join(str(names.getDebugName(number)) for number in fonts.NAMES)
    reserved = re.search(r"Reserved Font Name .(\w+)", names.getDebugName(fonts.COPYRIGHT))
    assert ("book-serif" in path.name) == bool(reserved)
    if reserved:
        assert reserved[1] == "Source"
        assert reserved[1] not in called
    assert "Open Font License" in names.getDebugName(fonts.LICENCES[0])


def test_every_file_of_the_package_that_is_not_code_is_named():
    held = [path for path in (ROOT / "src").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    for path in held:
        if path.suffix != ".py" and path.name != "py.typed":
            assert f"`{path.relative_to(ROOT).as_posix()}`" in TEXT
