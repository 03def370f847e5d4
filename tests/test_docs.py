"""What the pages say is true: derived pages are current, links lead somewhere, examples work, and only the product is spoken of."""

import dataclasses
import importlib.util
import itertools
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest
import shapes
import test_every_check

from auditor import catalog, standard
from auditor.cli import main
from auditor.collect.declare import TYPES, Batch
from auditor.kit import CATALOG, Severity
from auditor.model import Finding, Tally, Verdict
from auditor.score import score

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")],
    key=lambda path: path.as_posix(),
)
# Of the place where a working copy happens to lie, of a package mirror, of how the work was organised.
FORBIDDEN = re.compile(
    r"/(?:work|root)/|(?<!emit-)index-url\b|(?:pypi|files\.pythonhosted)\.org|\bissues? #?\d+\b|\(#\d+\)", re.IGNORECASE
)
SPOKEN = re.compile(r"\b(?:this|previous|next|earlier|helper) sessions?\b|\bprompt(?:ed)? by\b", re.IGNORECASE)


def load(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    return load(ROOT / "docs" / "generate.py", "docs_generate")


def example(page: str, name: str) -> str:
    """Return the code block behind the mark NAME."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.search(rf"<!-- example: {name} -->\n```\w+\n(.*?)```", text, re.DOTALL)
    assert found, f"{page} has no example {name}"
    return found[1]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def test_derived_pages_are_what_the_code_says(generator: ModuleType) -> None:
    made = generator.pages()
    stale = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for folder in ("checks", "types"):
        stale += [path for path in (ROOT / "docs" / folder).glob("*.md") if path not in made]
    assert not stale, f"run `make docs`: {', '.join(sorted(path.name for path in stale)[:5])} …"


def links(page: Path) -> Iterator[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`\n]*`(?!\])", "", text)
    yield from re.findall(r"\]\(([^)\s]+)\)", text)
    yield from re.findall(r'(?:src|href)="([^"]+)"', text)


def test_every_relative_link_leads_somewhere(generator: ModuleType) -> None:
    anchors: dict[Path, set[str]] = {}
    broken = []
    for page in PAGES:
        for link in links(page):
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists():
                broken.append(f"{page.relative_to(ROOT)}: {link}")
            elif anchor and target.suffix == ".md":
                if target not in anchors:
                    headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
                    anchors[target] = {generator.slug(heading.replace("`", "")) for heading in headings}
                if anchor not in anchors[target]:
                    broken.append(f"{page.relative_to(ROOT)}: {link}")
    assert not broken, "\n".join(broken[:20])


def test_every_page_of_the_docs_is_reached_from_the_index(generator: ModuleType) -> None:
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in reached:
            continue
        reached.add(page)
        for link in links(page):
            path = (page.parent / link.partition("#")[0]).resolve()
            if path.suffix == ".md" and path.is_file() and not re.match(r"[a-z]+:", link):
                todo.append(path)
    assert not [str(page.relative_to(ROOT)) for page in PAGES if page not in reached]


def test_the_example_of_a_check_is_a_check_like_all_others(tmp_path: Path) -> None:
    code = example("CONTRIBUTING.md", "check")
    place = "auditor.checks.security.access.credential_rotation.server_certificates"
    path = tmp_path / "server_certificates.py"
    path.write_text(code, encoding="utf-8")
    catalog.load_checks()
    followed = CATALOG.pop(
        "rds-server-certificate-valid", None
    )  # by whoever does what the page says, and runs the tests
    try:
        sys.modules[place] = module = load_as(path, place)
        made = CATALOG["rds-server-certificate-valid"]
        for verdict, cases in (("pass", made.passes), ("fail", made.fails), ("not_applicable", made.skips)):
            for case in cases:
                test_every_check.test_a_case_has_the_verdict_it_stands_under(made, case, verdict)  # type: ignore[arg-type]
        for name, test in vars(test_every_check).items():
            marks = getattr(test, "pytestmark", [])
            if name.startswith("test_") and any(mark.args[:1] == ("check",) for mark in marks):
                test(made)
        assert module.__doc__
    finally:
        CATALOG.pop("rds-server-certificate-valid", None)
        sys.modules.pop(place, None)
        if followed:
            CATALOG[followed.id] = followed


def load_as(path: Path, name: str) -> ModuleType:
    """Import PATH as the module NAME, so that its relative imports find their siblings."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_the_example_of_a_resource_type_fits_the_api() -> None:
    made: dict[str, object] = {}
    try:
        exec(example("CONTRIBUTING.md", "type"), made)
        declared = TYPES["AWS::EC2::FlowLog"]
        for call in declared.every_call:
            shapes.walk(shapes.operation(call).output_shape, call.result)
        assert not any(isinstance(detail, Batch) for detail in declared.details.values())
        assert set(declared.volatile) <= set(
            shapes.specimen(shapes.walk(shapes.operation(declared.lists[0]).output_shape, "FlowLogs[]"))
        )
    finally:
        TYPES.pop("AWS::EC2::FlowLog", None)


def test_the_readmes_own_numbers_and_own_check_work(tmp_path: Path) -> None:
    config, numbers = example("README.md", "config"), example("README.md", "numbers")
    (tmp_path / "config.toml").write_text(config, encoding="utf-8")
    settings = tomllib.loads(config)
    (tmp_path / settings["standard"]["overrides"][0]).write_text(numbers, encoding="utf-8")
    folder = tmp_path / settings["checks"]["folders"][0]
    folder.mkdir()
    (folder / "volumes.py").write_text(example("README.md", "own check"), encoding="utf-8")
    for command in (["standard", "validate"], ["checks", "explain", "ebs-volume-encrypted"], ["config", "validate"]):
        done = subprocess.run(
            [sys.executable, "-m", "auditor", *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    overridden = standard.load(ROOT / "checks" / "patterns.toml", [tmp_path / "our-numbers.toml"])
    assert overridden["databases.backup.retention"].thresholds["daily_retention_days"] == 14
    assert "acme.storage.encryption" in overridden


def test_the_worked_example_of_the_score_adds_up() -> None:
    some = next(iter(catalog.load_checks().values()))
    rows = (
        ("a", "x.y.failover", Severity.HIGH, 6, 2),
        ("b", "x.y.health", Severity.LOW, 10, 5),
        ("c", "x.y.health", Severity.MEDIUM, 4, 1),
    )
    checks = {
        id: dataclasses.replace(some, id=id, patterns=(bullet,), severity=level) for id, bullet, level, _, _ in rows
    }
    tallies = [
        Tally(id, "1", "r", "T", tuple(map(str, range(passed))), tuple(map(str, range(failed))))
        for id, _, _, passed, failed in rows
    ]
    findings = [
        Finding(f"{id}{number}", id, str(number), "T", "", "1", "r", Verdict.FAIL, level)
        for id, _, level, _, failed in rows
        for number in range(failed)
    ]
    found = {made.id: made.value for made in score("1", ["x.y.failover", "x.y.health"], checks, tallies, findings)}
    page = (ROOT / "docs" / "scoring.md").read_text(encoding="utf-8")
    assert found == {"1": 73.5, "x": 73.5, "x.y": 73.5, "x.y.failover": 75, "x.y.health": 72}
    assert re.findall(r"\*\*([\d.]+)\*\*", page) == ["75", "72", "73.5", "81.75"]


def test_the_example_configuration_is_valid(tmp_path: Path) -> None:
    from auditor import config

    assert config.problems(ROOT / "config.example.toml") == []


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the words behind `auditor` of each line that PAGE tells to run: blocks, and code within a sentence that has options."""
    text = page.read_text(encoding="utf-8")
    lines = [
        line
        for block in re.findall(r"^```(?:sh|cron)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        for line in re.findall(r"^(?:\S+ \S+ \S+ \S+ \S+\s+)?auditor (.*)", block.replace("\\\n", " "), re.MULTILINE)
    ]
    lines += re.findall(r"`auditor ([^`]+ -[^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    for line in lines:
        words = shlex.split(line, comments=True)
        yield [
            "7000" if word == "N" else word for word in itertools.takewhile(lambda word: word not in {">", "|"}, words)
        ]


def test_every_command_that_a_page_shows_is_understood() -> None:
    wrong, seen = [], 0
    for page in PAGES:
        if page.parent.name in {"checks", "types"} or page.name in {"CHANGELOG.md", "commands.md"}:
            continue
        for words in commands(page):
            seen += 1
            command: click.Command = main
            rest = words
            try:
                while isinstance(command, click.Group) and rest:
                    _, found, rest = command.resolve_command(click.Context(command), rest)
                    assert found
                    command = found
                    if rest[:1] and rest[0].startswith("-"):
                        break
                # A sentence says what an option does, and need not repeat its value or what else the command asks for.
                command.make_context("auditor", list(rest), resilient_parsing="--schema" in rest)
            except (click.MissingParameter, click.BadOptionUsage):
                pass
            except click.ClickException as error:
                wrong.append(f"{page.relative_to(ROOT)}: auditor {' '.join(words)}: {error.format_message()}")
    assert not wrong, "\n".join(wrong)
    assert seen > 50


def test_only_the_product_is_spoken_of() -> None:
    """A path of one machine, the host of a package mirror or a number of a tracker means nothing to whoever reads this."""
    said = []
    for path in tracked():
        if path.suffix in {".lock", ".png", ".svg"} or path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            if SPOKEN.search(line) or FORBIDDEN.search(line):
                said.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    assert not said, "\n".join(said[:20])
