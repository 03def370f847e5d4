"""`auditor demo` as a newcomer runs it: one command, and a report that shows good, bad and unread of every family."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from auditor.cli import main
from auditor.demo import told

FAMILIES = {
    "Auto Scaling groups": ("AWS::AutoScaling::AutoScalingGroup",),
    "Classic Load Balancers": ("AWS::ElasticLoadBalancing::LoadBalancer",),
    "Application and Network Load Balancers": ("AWS::ElasticLoadBalancingV2::LoadBalancer",),
    "target groups": ("AWS::ElasticLoadBalancingV2::TargetGroup",),
    "database instances": ("AWS::RDS::DBInstance",),
    "database clusters": ("AWS::RDS::DBCluster",),
    "EBS snapshots": ("AWS::EC2::Snapshot",),
    "RDS snapshots": ("AWS::RDS::DBSnapshot",),
    "volumes": ("AWS::EC2::Volume",),
    "security groups": ("AWS::EC2::SecurityGroup",),
    "users": ("AWS::IAM::User",),
    "access keys": ("AWS::IAM::AccessKey",),
    "roles": ("AWS::IAM::Role",),
}
DENIED = "wafv2:ListWebACLs"
UNSAID = {DENIED, "attestation"}
"""What the demo may leave unknown: the denied call, and what only a person can say."""


class Demo:
    """What the demo printed and wrote."""

    def __init__(self, folder: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.done = subprocess.run(
            [sys.executable, "-m", "auditor", "demo", "--output", str(folder / "out")],
            capture_output=True,
            text=True,
            cwd=folder,
            env={**environment, "PYTHONPATH": str(Path(__file__).parents[1]), "COLUMNS": "80"},
            check=False,
        )
        self.folder = folder
        assert self.done.returncode == 0, self.done.stderr
        self.report: dict[str, Any] = json.loads((folder / "out" / "report.json").read_bytes())

    def verdicts(self, *types: str) -> Counter[str]:
        """How often each verdict was given about resources of TYPES."""
        return Counter(
            verdict
            for resource in self.report["resources"]
            if resource["type"] in types
            for verdict in resource["verdicts"].values()
        )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo, run once."""
    return Demo(tmp_path_factory.mktemp("demo"))


def test_it_prints_a_summary_and_says_where_the_reports_lie(demo: Demo) -> None:
    assert "Northwind Mail Order" in demo.done.stdout
    for name in ("compliance.html", "cost.html", "executive.html", "compliance.md", "cost.md", "report.json"):
        assert (demo.folder / "out" / name).stat().st_size > 1000
        assert str(demo.folder / "out" / name) in demo.done.stdout
    assert "in a browser" in demo.done.stdout
    assert "\x1b" not in demo.done.stdout
    assert "Traceback" not in demo.done.stderr
    assert " WARNING " not in demo.done.stderr


def test_without_its_extra_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("auditor.demo")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "moto", None)
    done = CliRunner().invoke(main, ["demo", "--output", str(tmp_path / "out")])
    said = "auditor: the demo needs its extra: pip install 'aws-account-auditor[demo]'\n"
    assert (done.exit_code, done.stderr) == (2, said)


def test_it_leaves_nothing_behind_but_the_reports(demo: Demo) -> None:
    assert [path.name for path in demo.folder.iterdir()] == ["out"]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_good_and_bad(demo: Demo, family: str) -> None:
    verdicts = demo.verdicts(*FAMILIES[family])
    assert verdicts["pass"]
    assert verdicts["fail"]


def test_it_has_a_few_hundred_resources_in_three_regions(demo: Demo) -> None:
    judged = demo.report["resources"]
    assert 200 <= len(judged) <= 800
    regions = Counter(resource["region"] for resource in judged)
    assert set(regions) == {"eu-central-1", "eu-west-1", "us-east-1", "global"}
    assert all(count >= 20 for count in regions.values())


def test_only_what_is_denied_on_purpose_could_not_be_read(demo: Demo) -> None:
    coverage = demo.report["coverage"]
    assert coverage["states"]["denied"] == 3
    assert sum(coverage["states"].values()) == coverage["states"]["complete"] + 3
    assert {gap["operation"] for gap in coverage["gaps"] if gap["scopes"]} == {DENIED}


def test_the_denial_is_unknown_and_nothing_else_is(demo: Demo) -> None:
    assert demo.verdicts("AWS::ElasticLoadBalancingV2::LoadBalancer")["unknown"]
    gaps = {gap["operation"] for gap in demo.report["coverage"]["gaps"]}
    assert DENIED in gaps
    assert gaps <= UNSAID, "a collector, a check or the simulated account has changed"
    assert not [finding for finding in demo.report["findings"] if finding["fault"]]


def test_money_can_be_saved(demo: Demo) -> None:
    savings = demo.report["savings"]
    assert savings["usd_month"] > 500
    priced = [item for item in savings["items"] if item["usd_month"]]
    assert len({item["check"] for item in priced}) >= 5
    assert max(item["usd_month"] for item in priced) < savings["usd_month"] / 2, "no single thing explains it all"


def test_ages_make_sense(demo: Demo) -> None:
    sentences = [evidence["sentence"] for finding in demo.report["findings"] for evidence in finding["evidence"]]
    ages = [int(words[at - 1].replace(",", "")) for words in map(str.split, sentences)
            for at, word in enumerate(words) if word == "days" and words[at + 1 : at + 2] == ["old,"]]  # fmt: skip
    assert len(ages) > 10
    assert max(ages) < 5 * 366
    assert len(set(ages)) > 5


def test_what_is_told_of_the_past_does_not_move(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "RebootDBInstance"}]}'
    first = told.rehearsals("eu-west-1", body)
    assert first
    later = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert told.rehearsals("eu-west-1", body) == first


def test_which_volumes_are_copied_does_not_hang_on_their_random_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    made = SimpleNamespace(databases={}, clusters={}, volumes=dict.fromkeys(("vol-c", "vol-a", "vol-b")))
    monkeypatch.setattr(told, "backend", lambda service, region: made)
    copied = [job["ResourceArn"].rpartition("/")[2] for job in told.copy_jobs("eu-west-1")]
    assert copied == ["vol-c", "vol-b"]
