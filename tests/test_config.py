"""config.toml: the example is the default, and every mistake is one line with its place."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import catalog, config
from auditor.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def only_problem(file: Path, text: str) -> str:
    file.write_text(text)
    [problem] = config.problems(file)
    return problem


def test_the_example_holds_every_key_with_its_default() -> None:
    example = catalog.bundled("config.example.toml")
    loaded = config.load(example)
    assert loaded.model_copy(update={"folder": Path()}) == config.Settings()
    written = set(re.findall(r"^(\w+) =", example.read_text(), re.MULTILINE))
    assert written == {key for table in config._TABLES for key in config._keys(table)}, (
        "config.example.toml and the settings differ"
    )


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert config.load(None) == config.Settings()


def test_a_named_file_that_is_missing_is_an_error(file: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(file)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[accont]\n", r":1: there is no \[accont\]; did you mean account\?"),
        ("[account]\n\nnmae = 1\n", r":3: \[account\] has no nmae; did you mean name\?"),
        ("[scan]\nthreads = '9'\n", r":2: scan.threads must be a whole number, not '9'"),
        ("[scan]\nthreads = true\n", r":2: scan.threads must be a whole number, not True"),
        ("[scan]\nthreads = 0\n", r":2: scan.threads must be at least 1"),
        ("[scan]\nmax_rate = 1e-9\n", r":2: scan.max_rate must be 0 or at least 0.1, not 1e-09"),
        ("[scan]\nmax_rate = nan\n", r":2: scan.max_rate must be a finite number, not nan"),
        ("[scan]\nmin_coverage = 101\n", r":2: scan.min_coverage must be at most 100"),
        ("[scan]\nfail_on = 'hgh'\n", r":2: scan.fail_on must be .*'high'.* not 'hgh'"),
        ("[account]\nregions = ['mars']\n", r":2: account.regions must name regions .* not 'mars'"),
        ("[account]\nregions = 'eu-west-1'\n", r":2: account.regions must be a list"),
        ("[account]\nrole_arn = 'admin'\n", r":2: account.role_arn must be a role's ARN"),
        ("[schedule]\ntimezone = 'Europe/Berln'\n", r":2: there is no time zone .* did you mean Europe/Berlin\?"),
        ("[schedule]\ncron = '* *'\n", r":2: schedule.cron needs five fields"),
        ("[report]\nformats = ['pdf']\n", r":2: report.formats must be 'html', 'md', .* or 'prometheus', not 'pdf'"),
        ("[checks]\nfolders = ['ours']\n", r":2: checks.folders: there is no .*ours"),
        ("store = 3\n", r":1: store must be a table, not 3"),
        (
            "[[accounts]]\nname = 'a'\n[[accounts]]\nnmae = 'b'\n",
            r":4: \[\[accounts\]\] has no nmae; did you mean name\?",
        ),
        ("[[accounts]]\nid = '1'\n", r":2: accounts.id must be the 12 digits of an account's id, not '1'"),
        (
            "[[accounts]]\nname = 'a'\n[scan]\nthreads = 4\n[[accounts]]\nregions = ['eu-west-1', 'mars']\n",
            r":6: accounts.regions must name regions .* not 'mars'",
        ),
        (
            "[[accounts]]\nname = 'a'\n\n[[accounts]]\nname = 'a'\n",
            r":4: \[\[accounts\]\] has the same name as .* line 1$",
        ),
        (
            "[[accounts]]\nid = '111122223333'\n[[accounts]]\nrole_arn = 'arn:aws:iam::111122223333:role/x'\n",
            r":3: \[\[accounts\]\] has the same id as that of line 1$",
        ),
        (
            "[[accounts]]\n[[accounts]]\nname = 'b'\n",
            r":2: \[\[accounts\]\] has the same profile and role_arn as .* line 1$",
        ),
        (
            "[[accounts]]\nid = '111122223333'\nrole_arn = 'arn:aws:iam::444455556666:role/x'\n",
            r":2: accounts.id is 111122223333, and its role is of 444455556666",
        ),
        ("[accounts]\nname = 'a'\n", r":1: several accounts are written as tables \[\[accounts\]\], not"),
        ("accounts = ['a']\n", r":1: accounts must be a table, not 'a'"),
        ("[account]\nvia_role_arn = ''\n", r":2: \[account\] has no via_role_arn"),
        ("[account]\nexternal_id = 'x'\n", r":2: account.external_id must be 2 to 1224 letters, .* not 'x'"),
        ("[organization]\nrole = 'a b'\n", r":2: organization.role must be a role's name .* not 'a b'"),
        ("[organization]\nrole = 'arn:aws:iam::111122223333:role/x'\n", r":2: organization.role must be a role's name"),
        ("[organisation]\n", r":1: there is no \[organisation\]; did you mean organization\?"),
        ("[scan\n", r":1: is not valid TOML"),
    ],
)
def test_each_mistake_is_one_line_with_file_line_and_what_is_valid(file: Path, text: str, wanted: str) -> None:
    problem = only_problem(file, text)
    assert re.search(wanted, problem), problem
    assert problem.startswith(str(file))
    assert "\n" not in problem


def test_several_mistakes_are_all_found_and_the_first_is_raised_with_their_number(file: Path) -> None:
    file.write_text("[scan]\nthreads = 0\nfoo = 1\n[stor]\n")
    assert len(config.problems(file)) == 3
    with pytest.raises(ConfigError, match=r"and 2 more"):
        config.load(file)


def test_paths_start_at_the_files_own_folder(file: Path) -> None:
    (file.parent / "ours").mkdir()
    file.write_text("[checks]\nfolders = ['ours']\n")
    loaded = config.load(file)
    assert loaded.path(loaded.checks.folders[0]) == file.parent / "ours"


@given(st.text())
@settings(deadline=None, max_examples=50)
def test_any_text_is_either_settings_or_problems_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    file = tmp_path_factory.mktemp("config") / "config.toml"
    file.write_text(text, encoding="utf-8", errors="replace")
    problems = config.problems(file)
    if not problems:
        assert config.load(file).scan.threads >= 1
    assert all("\n" not in problem for problem in problems)


def test_what_an_account_leaves_out_is_said_once_for_all(file: Path) -> None:
    file.write_text(
        "[account]\nname = 'ours'\nprofile = 'audit'\nregions = ['eu-west-1']\nexternal_id = 'shake'\n"
        "[[accounts]]\nname = 'one'\nrole_arn = 'arn:aws:iam::111122223333:role/auditor'\n"
        "[[accounts]]\nrole_arn = 'arn:aws-cn:iam::444455556666:role/auditor'\n"
        "profile = 'china'\nregions = ['cn-north-1']\nexternal_id = ''\n"
    )
    one, two = config.load(file).accounts
    assert (one.name, one.profile, one.regions, one.external_id) == ("one", "audit", ("eu-west-1",), "shake")
    assert (two.name, two.profile, two.regions, two.external_id) == ("", "china", ("cn-north-1",), "")
    assert two.account_id == "444455556666"


def test_the_lines_of_tables_in_a_list_are_told_apart(file: Path) -> None:
    accounts = "".join(f"[[accounts]]\nid = '{number:012}'\n" for number in range(12))
    file.write_text(accounts + "[[accounts]]\nid = 'x'\n")
    assert f"{file}:26: accounts.id" in config.problems(file)[0]
