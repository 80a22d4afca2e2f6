"""The tutorials hold: every command runs, every line that they promise is printed, every link leads somewhere."""

import importlib.util
import re
from pathlib import Path

import pytest

from .tutorials import blocks, first_missing, follow

ROOT = Path(__file__).parents[2]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.timeout(1200)  # a minute on a machine of one's own
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_does_what_it_says(page, tmp_path):
    for module in re.findall(r"<!-- needs: (\w+) -->", page.read_text(encoding="utf-8")):
        pytest.importorskip(module)
    follow(page, tmp_path)


def test_there_are_five():
    assert len(TUTORIALS) == 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_are_there(page):
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert target.startswith(("http", "mailto")) or (page.parent / target).exists(), target


def test_the_command_reference_is_up_to_date():
    pytest.importorskip("rclpy")
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == module.reference(), "make docs"


def test_a_promise_that_is_not_kept_is_told(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```sh\necho one; echo two 2.5\n```\n\n```text\none\ntwo …\n```\n")
    follow(page, tmp_path)
    page.write_text(page.read_text().replace("two …", "three"))
    with pytest.raises(AssertionError, match=r"page.md:5 promises 'three'"):
        follow(page, tmp_path)
    page.write_text("\n```sh\nfalse\ntrue\n```\n")
    with pytest.raises(AssertionError, match=r"page.md:2 exits with 1"):
        follow(page, tmp_path)
    page.write_text("```json\n{}\n```\n")
    with pytest.raises(AssertionError, match="kind 'json'"):
        follow(page, tmp_path)


def test_reading_of_blocks_and_lines():
    found = list(blocks("text\n```python file=a.py\nx = 1\n```\n```text\nx\n```\n"))
    assert [(b.line, b.kind, b.file, b.text) for b in found] == [
        (2, "python", "a.py", "x = 1\n"),
        (5, "text", "", "x\n"),
    ]
    assert first_missing("b\na", "a\nb\na\n") is None
    assert first_missing("b\nb", "a\nb\na\n") == "b"
