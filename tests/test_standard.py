"""The shipped standard against its document, and what an operator can and cannot change."""

import hashlib
import json
import pickle
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.errors import StandardError
from auditor.standard import Pattern, Standard, bind, load, validate

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "checks" / "patterns.toml"
DOCUMENT = ROOT / "docs" / "infrastructure-patterns.md"

ORIGIN = re.compile(r"#.*\b(document|derived|operator|FSBP|CIS|AWS|Kubernetes' own|FinOps Foundation)\b")

SMALL = """
[standard]
title = "Ours"
source = "ours.md"

["cloud.zones.spread"]
section = "Cloud"
group = "Zones"
bullet = "Spread"
statement = "Over 2 zones"
["cloud.zones.spread".thresholds]
min_azs = 2
ratio = 0.5
strict = false
ports = [80, "7000-7001"]
[ "cloud.zones.spread" . thresholds.aliases ] # a table of texts
prod = "production"
dev = "development"

["cloud.scaling.out"]
section = "Cloud"
group = "Scaling"
bullet = "Out"
statement = "Grow"

["data.backup.daily"]
section = "Data"
group = "Backup"
bullet = "Daily"
statement = "Every day"
"""


@dataclass(frozen=True)
class Spread:
    min_azs: int
    ratio: float
    strict: bool
    ports: tuple[int | str, ...]
    aliases: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.min_azs < 1:
            raise ValueError("min_azs must be at least 1")


@pytest.fixture
def shipped() -> Standard:
    return load(SHIPPED)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return written(tmp_path / "patterns.toml", SMALL)


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def override(base: Path, text: str) -> Path:
    return written(base.with_name("mine.toml"), text)


def document_bullets() -> list[tuple[str, str, str, str]]:
    """Section, group, bullet and statement of every bullet, in order; without a group the section's name stands for it."""
    bullets, section, group = [], "", ""
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = group = line[3:]
        elif line.startswith("### "):
            group = line[4:]
        elif line.startswith("- "):
            bullet, statement = re.fullmatch(r"- (?:\*\*(?=.+\*\*))?([^:*]+)(?:\*\*)?: (.+)", line).groups()  # type: ignore[union-attr]
            bullets.append((section, group, bullet, statement))
    return bullets


# ---- the shipped standard ----


def test_every_bullet_of_the_document_is_a_pattern_quoted_and_in_order(shipped: Standard) -> None:
    assert [(p.section, p.group, p.bullet, p.statement) for p in shipped] == document_bullets()
    assert len(shipped) == 62
    assert sum(p.section != "References" for p in shipped) == 60
    assert len(shipped.groups) == 15 + 1


def test_an_id_has_one_section_and_group(shipped: Standard) -> None:
    assert {p.section_id: p.section for p in shipped} == shipped.sections
    assert len(set(shipped.sections.values())) == len(shipped.sections)
    assert {p.group_id: p.group for p in shipped} == shipped.groups
    assert list(shipped.sections) == [
        "cloud", "containers", "databases", "monitoring", "security", "cost", "recovery", "references",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "name", "value"),
    [
        ("cloud.multi-az.availability-zones", "min_azs", 2),
        ("cloud.auto-scaling.policies", "cpu_target_pct", 70),
        ("cloud.load-balancing.health-checks", "health_check_interval_seconds", 30),
        ("containers.best-practices.image-size", "max_image_bytes", 500 * 1000 * 1000),
        ("databases.high-availability.primary-replica", "min_replicas", 1),
        ("databases.backup.retention", "daily_retention_days", 30),
        ("databases.backup.retention", "log_retention_days", 7),
        ("monitoring.metrics.retention", "retention_days", 90),
        ("monitoring.logs.levels", "levels", ("DEBUG", "INFO", "WARN", "ERROR")),
        ("monitoring.logs.retention", "app_min_days", 30),
        ("recovery.backup.rto", "rto_minutes", 4 * 60),
        ("recovery.backup.rpo", "rpo_minutes", 60),
    ],
)
def test_the_numbers_the_document_names_are_the_thresholds(
    shipped: Standard, pattern: str, name: str, value: object
) -> None:
    assert shipped[pattern].thresholds[name] == value


def test_the_pinned_digest_is_the_documents_own(shipped: Standard) -> None:
    content = DOCUMENT.read_bytes().replace(b"\r\n", b"\n")
    pinned = shipped["references.infrastructure-standards"].thresholds["standards_sha256"]
    assert pinned == hashlib.sha256(content).hexdigest()


def test_every_threshold_says_where_its_number_comes_from(shipped: Standard) -> None:
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    for pattern in shipped:
        for name in pattern.thresholds:
            number = int(pattern.places[name].rpartition(":")[2])
            assert name in lines[number - 1], f"{pattern.id} {name} is not on line {number}"
            own, above = lines[number - 1], lines[number - 2]
            said = above if "#" not in own and above.startswith("#") else own
            assert ORIGIN.search(said), f"{pattern.id} {name}: no origin on line {number}"


def test_port_ranges_are_two_ports_in_order(shipped: Standard) -> None:
    ranges = [
        item
        for pattern in shipped
        for name, value in pattern.thresholds.items()
        if name.endswith("_ports") and isinstance(value, tuple)
        for item in value
        if isinstance(item, str)
    ]
    assert ranges
    for low, _, high in (item.partition("-") for item in ranges):
        assert 0 < int(low) < int(high) < 65536


def test_the_runbook_pattern_is_a_regular_expression(shipped: Standard) -> None:
    pattern = re.compile(str(shipped["recovery.failover.manual"].thresholds["runbook_name_regex"]))
    assert pattern.search("Orders-FailOver")
    assert not pattern.search("address-book")


def test_the_shipped_standard_has_no_fault() -> None:
    assert validate(SHIPPED) == ()


# ---- what is asked of a standard ----


def test_an_unknown_id_names_the_nearest(shipped: Standard) -> None:
    with pytest.raises(
        StandardError, match=r"no pattern cloud\.multi-az\.failovr; did you mean cloud\.multi-az\.failover\?"
    ):
        shipped["cloud.multi-az.failovr"]
    assert "cloud.multi-az.failover" in shipped
    assert "cloud.multi-az.failovr" not in shipped


def test_a_pattern_knows_its_section_and_group() -> None:
    pattern = Pattern("references.incident-response", "References", "References", "Incident Response", "a file")
    assert (pattern.section_id, pattern.group_id) == ("references", "references")


def test_a_standard_can_be_sent_to_another_process(shipped: Standard) -> None:
    assert pickle.loads(pickle.dumps(shipped)) == shipped
    assert hash(shipped) == hash(load(SHIPPED))


# ---- the digest ----


def test_layout_comments_and_order_do_not_change_the_digest(small: Path) -> None:
    head, *tables = SMALL.split('\n["cloud.scaling.out"]')
    moved = '["cloud.scaling.out"]' + tables[0].split("\n\n")[0]
    rest = "\n\n".join(tables[0].split("\n\n")[1:])
    other = f"# moved\n{moved}\n{head}\n\n{rest}".replace("min_azs = 2", "min_azs   =  0b10 # two").replace(
        "\n", "\r\n"
    )
    assert load(written(small.with_name("other.toml"), other)).digest == load(small).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("min_azs = 2", "min_azs = 3"),
        ("strict = false", "strict = true"),
        ('"Over 2 zones"', '"Over 3 zones"'),
        ('[80, "7000-7001"]', '[80, "7000-7002"]'),
        ('prod = "production"', 'prod = "live"'),
        ('dev = "development"', ""),
        ("ratio = 0.5", "ratio = 0.51"),
        ("min_azs = 2", "min_azs = true"),
    ],
)
def test_any_other_content_changes_the_digest(small: Path, old: str, new: str) -> None:
    assert old in SMALL
    assert load(written(small.with_name("other.toml"), SMALL.replace(old, new))).digest != load(small).digest


# ---- overrides ----


def test_an_override_changes_one_number_and_says_where(small: Path) -> None:
    mine = override(small, '# ours\n["cloud.zones.spread".thresholds]\nmin_azs = 3\n')
    pattern = load(small, [mine])["cloud.zones.spread"]
    assert pattern.thresholds["min_azs"] == 3
    assert pattern.thresholds["ratio"] == 0.5
    assert pattern.places["min_azs"] == f"{mine}:3"
    assert pattern.places["ratio"].startswith(f"{small}:")
    assert load(small, [mine]).digest != load(small).digest


def test_an_override_replaces_lists_and_merges_tables(small: Path) -> None:
    mine = override(
        small, '["cloud.zones.spread".thresholds]\nports = [8080]\naliases = { qa = "test", dev = "playground" }'
    )
    thresholds = load(small, [mine])["cloud.zones.spread"].thresholds
    assert thresholds["ports"] == (8080,)
    assert thresholds["aliases"] == {"prod": "production", "dev": "playground", "qa": "test"}


def test_an_override_changes_statement_and_title(small: Path) -> None:
    mine = override(small, '[standard]\ntitle = "Theirs"\n["cloud.scaling.out"]\nstatement = "Grow and shrink"\n')
    standard = load(small, [mine])
    assert (standard.title, standard.source) == ("Theirs", "ours.md")
    assert standard["cloud.scaling.out"].statement == "Grow and shrink"


def test_an_override_may_begin_with_a_byte_order_mark(small: Path) -> None:
    mine = override(small, '\ufeff["cloud.zones.spread".thresholds]\nmin_azs = 3')
    assert load(small, [mine])["cloud.zones.spread"].places["min_azs"] == f"{mine}:2"


def test_the_last_override_wins(small: Path) -> None:
    first = written(small.with_name("1.toml"), '"cloud.zones.spread".thresholds.min_azs = 3')
    second = written(small.with_name("2.toml"), '"cloud.zones.spread".thresholds = { min_azs = 4 }')
    assert load(small, [first, second])["cloud.zones.spread"].thresholds["min_azs"] == 4
    assert load(small, [second, first])["cloud.zones.spread"].thresholds["min_azs"] == 3


def test_the_whole_standard_may_be_repeated_as_an_override(small: Path) -> None:
    assert load(small, [small]) == load(small)


def test_a_pattern_of_ones_own_stands_behind_its_group(small: Path) -> None:
    own = '["{id}"]\nsection = "{section}"\ngroup = "{group}"\nbullet = "New"\nstatement = "Do"\n'
    text = (
        own.format(id="cloud.zones.new", section="Cloud", group="Zones")
        + own.format(id="cloud.other.new", section="Cloud", group="Other")
        + own.format(id="people.hiring.new", section="People", group="Hiring")
        + '["people.hiring.new".thresholds]\nmin_people = 1\n'
    )
    standard = load(small, [override(small, text)])
    assert [pattern.id for pattern in standard] == [
        "cloud.zones.spread", "cloud.zones.new", "cloud.scaling.out", "cloud.other.new", "data.backup.daily",
        "people.hiring.new",
    ]  # fmt: skip
    assert standard["people.hiring.new"].thresholds == {"min_people": 1}
    assert list(standard.sections.values()) == ["Cloud", "Data", "People"]


NEW = '["{id}"]\nsection = "Cloud"\ngroup = "Zones"\nbullet = "New"\nstatement = "Do"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '["cloud.zones.spred".thresholds]\nmin_azs = 3',
            "mine.toml:1: there is no pattern cloud.zones.spred; did you",
        ),
        (
            '["cloud.zones.spread".thresholds]\n\nmin_az = 3',
            "mine.toml:3: [cloud.zones.spread.thresholds] has no min_az; d",
        ),
        (
            '["cloud.zones.spread"]\nthreshold = 3',
            "mine.toml:2: [cloud.zones.spread] has no threshold; did you mean thre",
        ),
        ('["cloud.zones.spread"]\nthresholds = 3', "mine.toml:2: [cloud.zones.spread] thresholds must be a table"),
        (
            '["cloud.zones.spread"]\nstatement = " "',
            "mine.toml:2: [cloud.zones.spread] statement must be a text, not ' '",
        ),
        (
            '["cloud.zones.spread"]\nsection = "Sky"',
            "mine.toml:2: [cloud.zones.spread] section is 'Cloud' and stays so",
        ),
        (
            "[cloud.zones.spread.thresholds]\nmin_azs = 3",
            "mine.toml:1: cloud is no pattern: write its whole id in quotes",
        ),
        ("min_azs = 3", "mine.toml:1: min_azs is no pattern"),
        ('["cloud.zones.spread".thresholds]\nmin_azs = "3"', "min_azs must be a number, not '3'"),
        ('["cloud.zones.spread".thresholds]\nmin_azs = true', "min_azs must be a number, not True"),
        ('["cloud.zones.spread".thresholds]\nstrict = 1', "strict must be true or false, not 1"),
        ('["cloud.zones.spread".thresholds]\nports = 80', "ports must be a list, not 80"),
        (
            '["cloud.zones.spread".thresholds]\nports = [80, [81]]',
            "ports must be a list of whole numbers and texts, not",
        ),
        (
            '["cloud.zones.spread".thresholds]\nports = [80, true]',
            "ports must be a list of whole numbers and texts, not",
        ),
        ('["cloud.zones.spread".thresholds]\naliases.prod = 1', "aliases must be a table of texts, not {'prod': 1}"),
        ('["cloud.zones.spread".thresholds]\nratio = nan', "ratio must be a finite number, not nan"),
        ('["cloud.zones.spread".thresholds]\nratio = -inf', "ratio must be a finite number, not -inf"),
        ('["cloud.zones.spread".thresholds]\nmin_azs = 9223372036854775808', "min_azs must fit into 64 bits"),
        ('["cloud.zones.spread".thresholds]\nmin_azs = 2020-02-02', "min_azs must be a number, true or false, a text"),
        (
            '["cloud.zones.spread".thresholds]\nmin_azs = 1\nmin_azs = 2',
            "mine.toml:3: is not valid TOML: Cannot overwrite",
        ),
        ('["cloud.zones.spread".thresholds\nmin_azs = 1', "mine.toml:1: is not valid TOML"),
        ("[standard]\nname = 1", "mine.toml:2: [standard] has no name"),
        ("standard = 1", "mine.toml:1: standard must be a table"),
        (NEW.format(id="cloud.zones.New"), "[cloud.zones.New] an id is two or three parts of a-z, 0-9 and '-'"),
        (
            NEW.format(id="cloud.zones.new").replace('"Cloud"', '"Clod"'),
            "section must be 'Cloud', as in cloud.scaling.out",
        ),
        (
            NEW.format(id="cloud.zones.new").replace('"Zones"', '"Zone"'),
            "group must be 'Zones', as in cloud.zones.spread",
        ),
        (NEW.format(id="cloud.zones.new").replace('"New"', '"Spread"'), "is the same bullet as cloud.zones.spread"),
        (
            NEW.format(id="cloud.zones.new").replace("bullet", "bulet"),
            "[cloud.zones.new] has no bulet; did you mean bullet?",
        ),
        (NEW.format(id="cloud.zones.new").replace('"Do"', '""'), "[cloud.zones.new] statement must be a text, not ''"),
        ('["cloud.zones.new"]\nsection = "Cloud"', "mine.toml:1: [cloud.zones.new] group is missing"),
        ('["\\u001b[2J".thresholds]\na = 1', r"there is no pattern '\x1b[2J'"),
    ],
)
def test_a_wrong_override_is_one_line_with_its_place(small: Path, text: str, message: str) -> None:
    with pytest.raises(StandardError) as caught:
        load(small, [override(small, text)])
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(small.with_name("mine.toml")))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        (b"\xff\xfe", "is not a UTF-8 text file"),
        (b"", "[standard] title is missing"),
        (b'[standard]\ntitle = "A"\nsource = "a.md"', "there is no pattern in it"),
        (b"a = 1" + b"1" * 5000, "is not valid TOML"),
        (b"a = " + b"[" * 100_000, "is not valid TOML"),
    ],
)
def test_a_file_that_is_no_standard_says_so(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "patterns.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StandardError) as caught:
        load(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_validate_shows_every_fault_and_load_says_how_many(small: Path) -> None:
    mine = override(small, '["cloud.zones.spread".thresholds]\nmin_az = 3\nratio = "x"\n["cloud.zone.spread"]\n')
    missing = small.with_name("absent.toml")
    faults = validate(small, [mine, missing], [("cloud.zones.spread", Spread), ("data.backup.weekly", Spread)])
    assert [fault.partition(": ")[0] for fault in faults] == [
        f"{mine}:2", f"{mine}:3", f"{mine}:4", str(missing), str(small),
    ]  # fmt: skip
    assert "Spread needs its thresholds" in faults[-1]
    with pytest.raises(StandardError, match=r"and 3 more: see `auditor standard validate`"):
        load(small, [mine, missing])


TOMLISH = st.lists(
    st.sampled_from(
        [
            "[",
            "]",
            "=",
            '"',
            ".",
            "\n",
            "standard",
            "title",
            "cloud.scaling.out",
            "thresholds",
            "statement",
            "1",
            "{",
            "}",
            ",",
        ]
    )
    | st.text(max_size=3)
).map("".join)


@settings(deadline=None)
@given(TOMLISH)
def test_any_text_as_an_override_is_applied_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    base = written(tmp_path_factory.getbasetemp() / "base.toml", SMALL)
    mine = base.with_name("any.toml")
    mine.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        kept, refusal = {pattern.id for pattern in load(base, [mine])}, ""
    except StandardError as error:
        kept, refusal = {"cloud.zones.spread", "cloud.scaling.out", "data.backup.daily"}, str(error)
    assert {"cloud.zones.spread", "cloud.scaling.out", "data.backup.daily"} <= kept
    assert not refusal or refusal.startswith(str(mine))
    assert "\n" not in refusal


VALUES = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.text("abc-_ ", max_size=5),
    st.lists(st.integers(0, 9) | st.text("abc", max_size=3), max_size=4),
    st.dictionaries(st.text("abc", min_size=1, max_size=3), st.text("abc", max_size=3), max_size=3),
)


def as_toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {as_toml(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


@settings(deadline=None)
@given(
    st.dictionaries(st.text("abcdef", min_size=1, max_size=6), VALUES, max_size=6), st.randoms(use_true_random=False)
)
def test_thresholds_survive_the_file_and_their_order_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, thresholds: dict[str, object], chance: random.Random
) -> None:
    def standard(names: list[str]) -> Standard:
        lines = "".join(f"{name} = {as_toml(thresholds[name])}\n" for name in names)
        text = SMALL + '["data.backup.daily".thresholds]\n' + lines
        return load(written(tmp_path_factory.getbasetemp() / "base.toml", text))

    names = list(thresholds)
    one = standard(names)
    chance.shuffle(names)
    other = standard(names)
    read = {name: list(v) if isinstance(v, tuple) else v for name, v in one["data.backup.daily"].thresholds.items()}
    assert read == thresholds
    assert one.digest == other.digest


# ---- binding ----


def bound(**changes: object) -> Pattern:
    thresholds = {"min_azs": 2, "ratio": 0.5, "strict": False, "ports": (80, "7000-7001"), "aliases": {"a": "b"}}
    return Pattern("cloud.zones.spread", "Cloud", "Zones", "Spread", "Over 2 zones", thresholds | changes)


def test_binding_makes_the_dataclass(small: Path) -> None:
    spread = bind(load(small)["cloud.zones.spread"], Spread)
    assert spread == Spread(2, 0.5, False, (80, "7000-7001"), {"prod": "production", "dev": "development"})


def test_a_whole_number_is_fine_for_a_float() -> None:
    ratio = bind(bound(ratio=1), Spread).ratio
    assert isinstance(ratio, float)
    assert ratio == 1.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"min_azs": True}, "min_azs must be a whole number, not True"),
        ({"min_azs": 2.0}, "min_azs must be a whole number, not 2.0"),
        ({"min_azs": "2"}, "min_azs must be a whole number, not '2'"),
        ({"ratio": "0.5"}, "ratio must be a number, not '0.5'"),
        ({"ratio": False}, "ratio must be a number, not False"),
        ({"strict": 0}, "strict must be true or false, not 0"),
        ({"ports": 80}, "ports must be a list of whole numbers and texts, not 80"),
        ({"ports": (80, True)}, "ports must be a list of whole numbers and texts, not [80, True]"),
        ({"ports": ("1" * 100,) * 9 + (2.0,)}, "..."),
        ({"aliases": ("a",)}, "aliases must be a table of texts, not ['a']"),
        ({"aliases": {"a": 1}}, "aliases must be a table of texts, not {'a': 1}"),
        ({"min_az": 2}, "has no min_az; did you mean min_azs? (Spread does not know it)"),
        ({"min_azs": 0}, "min_azs must be at least 1"),
    ],
)
def test_a_threshold_that_does_not_fit_says_why(changes: dict[str, object], message: str) -> None:
    with pytest.raises(StandardError) as caught:
        bind(bound(**changes), Spread)
    assert str(caught.value).startswith("patterns.toml: [cloud.zones.spread.thresholds] ")
    assert message in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_missing_threshold_is_named_and_the_others_counted() -> None:
    with pytest.raises(StandardError, match=r"min_azs is missing \(and 4 more: see `auditor standard validate`\)"):
        bind(Pattern("a.b.c", "A", "B", "C", "D"), Spread)


def test_an_override_that_does_not_fit_the_check_is_named_by_its_own_line(small: Path) -> None:
    mine = override(small, '["cloud.zones.spread".thresholds]\nmin_azs = 2.5\n')
    pattern = load(small, [mine])["cloud.zones.spread"]
    with pytest.raises(StandardError, match=r"mine\.toml:2: .* min_azs must be a whole number, not 2\.5"):
        bind(pattern, Spread)
    assert validate(small, [mine], [("cloud.zones.spread", Spread)]) == (
        f"{mine}:2: [cloud.zones.spread.thresholds] min_azs must be a whole number, not 2.5",
    )


def test_a_field_of_a_type_no_threshold_has_is_the_checks_fault() -> None:
    @dataclass(frozen=True)
    class Odd:
        min_azs: bytes

    with pytest.raises(StandardError, match="a threshold cannot be of type <class 'bytes'>"):
        bind(Pattern("a.b.c", "A", "B", "C", "D", {"min_azs": 1}), Odd)


@dataclass(frozen=True)
class Whole:
    x: int


@dataclass(frozen=True)
class Real:
    x: float


@dataclass(frozen=True)
class Flag:
    x: bool


@dataclass(frozen=True)
class Text:
    x: str


@dataclass(frozen=True)
class Numbers:
    x: tuple[int, ...]


@dataclass(frozen=True)
class Texts:
    x: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    x: Mapping[str, str]


FITS: dict[type, Callable[[object], bool]] = {
    Whole: lambda v: type(v) is int,
    Real: lambda v: type(v) in (int, float),
    Flag: lambda v: type(v) is bool,
    Text: lambda v: type(v) is str,
    Numbers: lambda v: isinstance(v, list) and all(type(item) is int for item in v),
    Texts: lambda v: isinstance(v, list) and all(type(item) is str for item in v),
    Table: lambda v: isinstance(v, dict),
}


@settings(deadline=None)
@given(VALUES, st.sampled_from(list(FITS)))
def test_a_value_is_bound_unchanged_or_refused_by_its_type(value: object, cls: type) -> None:
    pattern = Pattern("a.b.c", "A", "B", "C", "D", {"x": value})
    if FITS[cls](value):
        expected = tuple(value) if isinstance(value, list) else value
        assert bind(pattern, cls).x == (float(str(value)) if cls is Real else expected)
    else:
        with pytest.raises(StandardError, match=r"\[a\.b\.c\.thresholds\] x must be "):
            bind(pattern, cls)
