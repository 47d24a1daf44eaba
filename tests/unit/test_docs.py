"""The guides keep to what stands: links, pictures, commands, settings, and the words that they quote from the pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from configparser import ConfigParser
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from cvq_core.settings import Settings

ROOT = Path(__file__).parents[2]
GUIDES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
RECORDS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
QUOTED = re.compile(r"«\s*([^»]+?)\s*»")
PICTURE_BYTES_MAX = 150_000


def every_guide(test: Any) -> Any:
    return pytest.mark.parametrize("guide", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))(test)


def anchor(heading: str) -> str:
    """Return the anchor that GitHub and others give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def commands_in(text: str) -> Iterator[str]:
    """Yield the commands of fenced blocks and code spans, one at a time and without their comments."""
    for block in FENCE.findall(text):
        yield from (line.split("#")[0].strip() for line in block.splitlines())
    for span in INLINE.findall(FENCE.sub("", text)):
        yield span.strip()


def command_tree() -> TyperGroup:
    """Return `cvq` with everything that the components bring, as setup.cfg declares it."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    app = typer.Typer()
    app.callback()(lambda: None)
    for line in setup["options.entry_points"]["cvq.commands"].strip().splitlines():
        name, _, target = (part.strip() for part in line.partition("="))
        module, _, attribute = target.partition(":")
        command = getattr(import_module(module), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name=name)(command)
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return group


def words_of(command: str) -> list[str] | None:
    """Return the words after `cvq`, or none where this is no call of it; "…" and capitals stand for arguments."""
    words = command.split()
    if not words or words[0] not in ("cvq", ".venv/bin/cvq"):
        return None
    return [word for word in words[1:] if word != "…"]


@every_guide
def test_every_link_and_picture_leads_to_something(guide: Path) -> None:
    for target in LINK.findall(guide.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        there = (guide.parent / path).resolve() if path else guide
        assert there.exists(), f"{guide.name} links to {target}"
        assert there.is_relative_to(ROOT), f"{guide.name} links outside the project: {target}"
        if fragment:
            headings = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            assert fragment in {anchor(heading) for heading in headings}, f"{guide.name} links to {target}"


def test_every_picture_of_the_guides_is_shown_and_light() -> None:
    shown = {
        (guide.parent / target).resolve()
        for guide in GUIDES
        for target in LINK.findall(guide.read_text(encoding="utf-8"))
        if target.endswith(".png")
    }
    pictures = set((ROOT / "docs" / "pictures").iterdir())
    assert pictures
    assert pictures == shown
    assert {path.name: path.stat().st_size for path in pictures if path.stat().st_size > PICTURE_BYTES_MAX} == {}


def test_every_test_that_the_coverage_names_exists() -> None:
    named = re.findall(r"`(tests/[^`]+)`", (ROOT / "docs" / "coverage.md").read_text())
    assert named
    for name in named:
        path, _, test = name.partition("::")
        assert (ROOT / path).exists(), name
        assert not test or f"def {test}(" in (ROOT / path).read_text(), name


@every_guide
def test_every_make_target_exists(guide: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for command in commands_in(guide.read_text(encoding="utf-8")):
        words = command.split()
        if words[:1] == ["make"] and len(words) > 1:
            assert words[1] in targets, f"{guide.name}: {command}"


@every_guide
def test_every_cvq_command_exists_with_its_options(guide: Path) -> None:
    tree = command_tree()
    for command in commands_in(guide.read_text(encoding="utf-8")):
        words = words_of(command)
        if words is None:
            continue
        here: Any = tree
        while isinstance(here, TyperGroup) and words and not words[0].startswith("-"):
            assert words[0] in here.commands, f"{guide.name}: {command}"
            here = here.commands[words.pop(0)]
        options = {option for parameter in here.params for option in parameter.opts}
        for word in words:
            if word.startswith("--") and word != "--help":
                assert word.partition("=")[0] in options, f"{guide.name}: {command}"


def test_every_command_and_target_is_told_somewhere() -> None:
    told = [command for guide in GUIDES for command in commands_in(guide.read_text(encoding="utf-8"))]
    spoken = {words[0] for command in told if (words := words_of(command))}
    assert set(command_tree().commands) - spoken == set()


def settings_told() -> list[tuple[str, str]]:
    """Return the settings of the operator's guide with the default that it tells, one pair a setting."""
    text = (ROOT / "docs" / "operator.md").read_text(encoding="utf-8")
    section = text.split("## Settings")[1].split("\n## ")[0]
    pairs: list[tuple[str, str]] = []
    for line in section.splitlines():
        if not line.startswith("| `"):
            continue
        names, defaults = (cell.strip() for cell in line.strip("|").split("|")[:2])
        named = INLINE.findall(names)
        values = [part.strip().strip("`") for part in defaults.split(",")] if len(named) > 1 else [defaults.strip("`")]
        assert len(named) == len(values), line
        pairs += zip(named, values, strict=True)
    return pairs


@pytest.mark.parametrize(("name", "told"), settings_told(), ids=str)
def test_the_operators_guide_tells_each_settings_true_default(name: str, told: str) -> None:
    field = Settings.model_fields[name]
    default = field.get_default(call_default_factory=True)
    if name == "master_key_file":
        # It has no default of its own: it lies in the folder of the data.
        assert default is None
        assert told == "data_dir/master.key"
        return
    assert told == ("none" if default is None else str(default).removesuffix("/").removesuffix(".0"))


@every_guide
def test_no_guide_knows_the_machine_it_was_written_on(guide: Path) -> None:
    text = guide.read_text(encoding="utf-8")
    # What a guide may name of a Debian machine: its configuration, and what the product itself puts there.
    paths = set(re.findall(r"(?<![\w.\]})/:])/(?:home|root|work|tmp|mnt|Users|opt|srv)\b[^\s`)]*", text))
    assert paths == set()
    addresses = re.findall(r"https?://([\w.-]+)", text)
    assert set(addresses) <= {"127.0.0.1", "www.gnu.org"}
    unwanted = r"\b(?:AI|LLM|prompt|chatbot|sub-?agents?|briefs?|TODO|FIXME)\b"
    assert re.findall(unwanted, text) == []


def words_on_pages() -> str:
    """Return every sentence of the templates, scripts, forms and code, with one kind of space and apostrophe."""
    folders = ["advisor-console", "booth", "cvq-core", "desk"]
    kinds = {".html", ".py", ".js", ".yaml", ".toml"}
    files = (path for folder in folders for path in sorted((ROOT / folder).rglob("*")) if path.suffix in kinds)
    return plain("\n".join(path.read_text(encoding="utf-8") for path in files))


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\u202f", " ").replace("\u00a0", " ").replace("'", "’"))


def test_every_word_that_the_users_guide_quotes_stands_on_a_page() -> None:
    pages = words_on_pages()
    quoted = QUOTED.findall((ROOT / "docs" / "user.md").read_text(encoding="utf-8"))
    assert len(quoted) > 100
    assert [words for words in quoted if plain(words) not in pages] == []


def test_decisions_are_numbered_without_a_gap_and_dated() -> None:
    assert [int(record.name[:4]) for record in RECORDS] == list(range(1, len(RECORDS) + 1))
    for record in RECORDS:
        text = record.read_text(encoding="utf-8")
        number = int(record.name[:4])
        assert text.startswith(f"# {number}. "), record.name
        dated = re.search(r"^(\d{4}-\d\d-\d\d), accepted\.$", text, re.MULTILINE)
        assert dated, record.name
        date.fromisoformat(dated[1])
        for part in ("Context", "Decision", "Consequences", "Alternatives"):
            assert f"**{part}.**" in text, f"{record.name} has no {part.lower()}"
