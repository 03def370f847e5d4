"""A fix is safe to paste into a shell, whatever the account's things are called."""

import shlex
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report import sample

from auditor.kit import Fix
from auditor.model import Evidence
from auditor.report import fill_fix, fix_fields
from auditor.report.fix import all_plain, is_plain, kind_of, with_facts

BASH = shutil.which("bash")
TEMPLATES = (
    "printf %s\\\\0 {name}",
    "printf %s\\\\0 'Name=x,Values={name}'",
    'printf %s\\\\0 "a {name} b"',
    "printf %s\\\\0 \\'{name}",
)


def words(command: str) -> list[str]:
    """Return the arguments bash makes of a printf command."""
    assert BASH
    done = subprocess.run([BASH, "-c", command], capture_output=True, check=True, timeout=20, env={"LC_ALL": "C.UTF-8"})
    assert done.stderr == b""
    return done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]


@pytest.mark.parametrize(
    ("type", "kind"),
    [("AWS::IAM::Role", "role"), ("AWS::RDS::DBInstance", "db-instance"), ("AWS::EC2::VPC", "vpc"), ("", "")],
)
def test_a_type_is_called_as_the_aws_cli_calls_it(type: str, kind: str) -> None:
    assert kind_of(type) == kind


def test_the_resources_own_fields_stand_in_the_command() -> None:
    fix = Fix("aws rds modify-db-instance --db-instance-identifier {DBInstanceIdentifier} --region {region}")
    filled = fill_fix(fix, {"DBInstanceIdentifier": "orders", "region": "eu-west-1"})
    assert filled == "aws rds modify-db-instance --db-instance-identifier orders --region eu-west-1"


def test_what_is_missing_stands_in_capitals() -> None:
    assert fill_fix(Fix("aws x --group {GroupId} --subnets SUBNET_A"), {}) == "aws x --group GROUPID --subnets SUBNET_A"


def test_braces_that_are_no_place_stay() -> None:
    command = """aws elbv2 x --actions 'Type=redirect,RedirectConfig={Protocol=HTTPS,Port=443}' --v '{"a":{"b":1}}'"""
    assert fill_fix(Fix(command), {"a": "x"}) == command


@pytest.mark.skipif(not BASH, reason="needs bash")
@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("name", [name for name in sample.HOSTILE if "\0" not in name and "\ud800" not in name])
def test_a_shell_sees_one_argument_with_the_very_name(template: str, name: str) -> None:
    around = template.removeprefix("printf %s\\\\0 ")
    expected = "".join(shlex.split(around.replace("{name}", "NAME"))).replace("NAME", name)
    assert words(fill_fix(Fix(template), {"name": name})) == [expected]


@pytest.mark.skipif(not BASH, reason="needs bash")
def test_a_name_is_never_a_second_command() -> None:
    name = "x'; touch /tmp/never; echo '$(id)`id`\u202e\n\x1b[31m\x9b\xad\\x9b"
    assert words(fill_fix(Fix("printf %s\\\\0 {name}"), {"name": name})) == [name]


@given(st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="\u115f\u1160\u3164\uffa0"), min_size=1))
def test_any_visible_name_is_one_word(name: str) -> None:
    filled = fill_fix(Fix("x -n {name} y"), {"name": name})
    assert len(shlex.split(filled.replace("-n=", "-n "))) == 4 or name.lower().startswith(
        ("file://", "fileb://", "http")
    )


def test_a_name_that_looks_like_an_option_stays_a_value() -> None:
    filled = fill_fix(Fix("aws ec2 x --group-name {name} --force"), {"name": "--endpoint-url=https://evil.example"})
    assert filled == "aws ec2 x --group-name=--endpoint-url=https://evil.example --force"


@pytest.mark.parametrize("name", ["file:///etc/passwd", "FILEB://x", "https://evil.example"])
def test_a_name_that_the_cli_would_load_is_left_to_a_person(name: str) -> None:
    assert fill_fix(Fix("aws x --name {name}"), {"name": name}) == "aws x --name NAME"


def test_a_name_within_json_stays_one_string() -> None:
    filled = fill_fix(Fix("""x '{"Name":"{name}"}'"""), {"name": 'a","Evil":"b\''})
    assert shlex.split(filled)[1] == '{"Name":"a\\",\\"Evil\\":\\"b\'"}'


def test_control_characters_are_written_so_that_one_sees_them() -> None:
    assert fill_fix(Fix("x {name}"), {"name": "a\u202eb'\\"}) == r"x $'a\u202eb\'\\'"


def test_only_plain_values_are_filled_in() -> None:
    filled = fill_fix(Fix("x {a} {b} {c} {d} {e}"), {"a": [["1"]], "b": {"k": 1}, "c": 3, "d": True, "e": []})
    assert filled == "x A B 3 true E"


@pytest.mark.parametrize(
    ("values", "filled"),
    [
        (["a1"], "x --ids a1 --of Ids=a1 'in a1'"),
        (["a1", "b2"], "x --ids a1 b2 --of Ids=a1,b2 'in IDS'"),
        (["a1", "b 2"], "x --ids IDS --of Ids=IDS 'in IDS'"),
        (["a1", "--b2"], "x --ids IDS --of Ids=IDS 'in IDS'"),
        (["a1", "b,Evil=2"], "x --ids IDS --of Ids=IDS 'in IDS'"),
        (["a1", {"b": 2}], "x --ids IDS --of Ids=IDS 'in IDS'"),
        (["file://x"], "x --ids IDS --of Ids=IDS 'in IDS'"),
    ],
)
def test_a_list_stands_as_the_cli_takes_several_values(values: list[object], filled: str) -> None:
    assert fill_fix(Fix("x --ids {ids} --of Ids={ids} 'in {ids}'"), {"ids": values}) == filled


def test_a_fact_of_the_first_evidence_stands_in_the_command_beside_a_field_of_the_same_name() -> None:
    fix = Fix("aws x --name {policy} --policy-name {facts.policy} --job {facts.job}")
    evidence = [Evidence("a", {"policy": "own-1", "other": 2}), Evidence("b", {"policy": "own-2", "job": "j"})]
    fields = with_facts(fix, {"policy": "field"}, evidence)
    assert fill_fix(fix, fields) == "aws x --name field --policy-name own-1 --job JOB"
    assert with_facts(fix, {"policy": "field"}, ()) == {"policy": "field"}


def test_the_fields_fixes_ask_for_are_known() -> None:
    assert fix_fields(sample.CHECKS.values()) == {
        "AccessKeyId", "DBInstanceIdentifier", "GroupId", "SnapshotId", "UserName", "VolumeId",
    }  # fmt: skip


@given(st.lists(st.text("aZ0-_./: \n'$", max_size=6), max_size=4))
def test_values_are_plain_together_when_each_is(values: list[str]) -> None:
    assert all_plain(values) == all(map(is_plain, values))


@given(
    st.lists(st.from_regex(r"[a0][a0._/:-]{0,4}", fullmatch=True), min_size=1, max_size=3),
    st.text("a_./:- ", max_size=5),
    st.text("a_./:- ", max_size=3),
)
def test_ids_made_of_plain_names_are_plain_where_what_stands_around_is(
    names: list[str], before: str, after: str
) -> None:
    if all_plain(names):
        assert is_plain(f"{before}x{after}") == all_plain([f"{before}{name}{after}" for name in names])
