"""IAM documents: however they are written, the same statements; and what they allow together."""

import dataclasses
import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.kit.policy import NOBODY, Policy, grants_everything, matches, matches_arn, parse, permit

ANY = f"arn:aws:iam::111122223333:role/{NOBODY}"
ACTIONS = [
    "*",
    "*:*",
    "iam:*",
    "iam:Pass*",
    "iam:PassRole",
    "s3:Get?bject",
    "s3:GetObject",
    "IAM:PASSROLE",
    "ec2:RunInstances",
]
RESOURCES = ["*", "arn:aws:iam::111122223333:role/*", "arn:aws:iam::111122223333:role/app", "arn:aws:s3:::a/*"]


def one_or_many(items: list[str]) -> st.SearchStrategy[Any]:
    return st.one_of(st.sampled_from(items), st.lists(st.sampled_from(items), min_size=1, max_size=3))


@st.composite
def statements(draw: st.DrawFn, effects: tuple[str, ...] = ("Allow", "Deny")) -> dict[str, Any]:
    made = {
        "Effect": draw(st.sampled_from(effects)),
        draw(st.sampled_from(["Action", "NotAction"])): draw(one_or_many(ACTIONS)),
        draw(st.sampled_from(["Resource", "NotResource"])): draw(one_or_many(RESOURCES)),
    }
    if draw(st.booleans()):
        made["Condition"] = {"Bool": {"aws:MultiFactorAuthPresent": draw(st.sampled_from(["true", ["true"], True]))}}
    return made


def documents(effects: tuple[str, ...] = ("Allow", "Deny")) -> st.SearchStrategy[dict[str, Any]]:
    listed = st.one_of(statements(effects), st.lists(statements(effects), max_size=3))
    return listed.map(lambda made: {"Version": "2012-10-17", "Statement": made})


def plain(policy: Policy) -> list[dict[str, Any]]:
    return [dataclasses.asdict(statement) for statement in policy.statements]


def allow(*actions: str, on: Any = "*", **more: Any) -> Policy:
    return parse({"Statement": {"Effect": "Allow", "Action": list(actions), "Resource": on, **more}})


def deny(*actions: str, on: Any = "*", **more: Any) -> Policy:
    return parse({"Statement": [{"Effect": "Deny", "Action": list(actions), "Resource": on, **more}]})


# ---- reading ----


@given(documents())
def test_a_document_is_the_same_as_a_mapping_as_text_and_url_encoded(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    assert (
        plain(parse(document)) == plain(parse(text)) == plain(parse(quote(text))) == plain(parse(quote(text, safe="")))
    )


@given(documents())
def test_a_document_that_is_read_again_is_the_same_policy(document: dict[str, Any]) -> None:
    assert parse(document) is parse(document)
    assert plain(parse(dict(document))) == plain(parse(document))


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["Statement", "Effect", "Action", "Resource", "Condition", "Principal", "x"]), inner
        ),
    ),
    max_leaves=12,
)


@given(st.one_of(json_values.filter(lambda value: isinstance(value, dict)), st.text(max_size=20)))
def test_whatever_a_document_holds_it_is_a_policy_or_a_value_error(document: Any) -> None:
    try:
        policy = parse(document)
    except ValueError:
        return
    assert all(isinstance(statement.allow, bool) for statement in policy.statements)


def test_a_text_that_nests_without_end_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="deeply"):
        parse('{"Statement":' + "[" * 100_000)


def test_principals_are_read_of_every_form() -> None:
    trust = parse(
        {
            "Statement": [
                {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"},
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": ["a", "b"], "Service": "ec2.amazonaws.com"},
                    "Action": "sts:*",
                },
                {"Effect": "Allow", "NotPrincipal": {"AWS": "c"}, "Action": "sts:*"},
            ]
        }
    )
    assert [(s.principals, s.not_principals) for s in trust.statements] == [
        ((("*", "*"),), False),
        ((("AWS", "a"), ("AWS", "b"), ("Service", "ec2.amazonaws.com")), False),
        ((("AWS", "c"),), True),
    ]


# ---- matching ----


@given(st.text("ab*?[].", max_size=8), st.text("ab[].", max_size=8))
def test_a_pattern_means_what_its_stars_and_question_marks_mean_and_nothing_else(pattern: str, value: str) -> None:
    wanted = re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), value, re.DOTALL)
    assert matches(pattern, value) == bool(wanted)


def test_a_hostile_pattern_is_answered_at_once() -> None:
    assert not matches("*a" * 200 + "b", "a" * 2000)


@given(st.sampled_from(ACTIONS), st.sampled_from(ACTIONS))
def test_actions_know_no_case_and_not_action_is_the_rest(pattern: str, action: str) -> None:
    named = allow(pattern).statements[0]
    rest = parse({"Statement": {"Effect": "Allow", "NotAction": pattern, "Resource": "*"}}).statements[0]
    assert named.about_action(action) == named.about_action(action.swapcase())
    assert named.about_action(action) != rest.about_action(action)


@pytest.mark.parametrize(
    ("pattern", "covered"),
    [
        ("*", True),
        ("arn:aws:iam::111122223333:role/*", True),
        ("arn:aws-cn:iam::*:role/*", True),
        ("arn:*:iam::111122223333:*", True),
        ("arn:aws:iam::*", True),
        ("arn:aws:iam::444455556666:role/*", False),
        ("arn:aws:iam::111122223333:role/app-*", False),
        ("arn:aws:iam::111122223333:user/*", False),
        ("arn:aws:iam::111122223333:role/${aws:username}", False),
        ("arn:aws:s3:::*", False),
    ],
)
def test_a_role_of_any_name_is_covered_only_by_a_wildcard_at_large(pattern: str, covered: bool) -> None:
    assert matches_arn(pattern, ANY) is covered


def test_the_region_a_pattern_names_is_left_open() -> None:
    instance = f"arn:aws:ec2:us-east-1:111122223333:instance/{NOBODY}"
    assert matches_arn("arn:aws:ec2:eu-west-1:*:instance/*", instance)


# ---- what is allowed ----


@given(st.lists(documents(), max_size=3), documents(("Allow",)), st.sampled_from(ACTIONS[4:]))
def test_a_further_allow_takes_nothing_away(held: list[Any], more: Any, action: str) -> None:
    before, after = permit(map(parse, held), action, ANY), permit([*map(parse, held), parse(more)], action, ANY)
    if before is not None:
        assert after is not None
        assert after.conditional <= before.conditional


@given(st.lists(documents(), max_size=3), documents(("Deny",)), st.sampled_from(ACTIONS[4:]))
def test_a_further_deny_gives_nothing(held: list[Any], more: Any, action: str) -> None:
    before, after = permit(map(parse, held), action, ANY), permit([*map(parse, held), parse(more)], action, ANY)
    assert after in (before, None)


def test_an_unconditional_deny_wins_and_a_conditional_one_is_not_weighed() -> None:
    everything = allow("*")
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "false"}}
    assert permit([everything, deny("iam:*")], "iam:PassRole", ANY) is None
    assert permit([everything, deny("iam:*", Condition=mfa)], "iam:PassRole", ANY) is not None
    assert permit([everything, deny("iam:*")], "iam:PassRole", ANY, denied=False) is not None
    assert permit([everything, deny("*", on="arn:aws:s3:::secret")], "iam:PassRole", ANY) is not None


def test_an_allow_with_a_condition_is_marked_unless_another_has_none() -> None:
    conditional = allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}})
    vacuous = allow("iam:PassRole", Condition={"StringLike": {"aws:PrincipalArn": "*"}})
    for held, expected in (([conditional], True), ([vacuous], False), ([conditional, allow("iam:*")], False)):
        found = permit(held, "iam:PassRole", ANY)
        assert found is not None
        assert found.conditional is expected


BUT_IAM = parse({"Statement": {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"}})
BUT_S3 = parse({"Statement": {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}})
BUT_ONE = parse({"Statement": {"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::secret"}})


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ([allow("*")], True),
        ([allow("*:*")], True),
        ([allow("s3:Get*", "*")], True),
        ([BUT_S3], True),
        ([BUT_ONE], True),
        ([BUT_IAM, allow("iam:*")], True),
        ([BUT_IAM], False),
        ([allow("iam:*", "sts:*", "s3:*")], False),
        ([allow("*", on="arn:aws:s3:::a/*")], False),
        ([allow("s3:*"), deny("*")], False),
        ([], False),
    ],
)
def test_everything_is_any_action_on_any_resource_iam_included(policies: list[Policy], expected: bool) -> None:
    assert (grants_everything(policies) is not None) is expected


def test_everything_under_a_condition_is_marked() -> None:
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    found = grants_everything([allow("*", Condition=mfa)])
    assert found is not None
    assert found.conditional
    both = grants_everything([allow("*", Condition=mfa), allow("*")])
    assert both is not None
    assert not both.conditional
