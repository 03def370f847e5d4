"""What the store remembers of an account's inventory, night after night."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from store.nights import START, Nights

from auditor.errors import StoreError
from auditor.model import Coverage, CoverageState, Gap, Resource, Scan, ScanStatus, Scope
from auditor.store import Store
from auditor.store.ingest import Ingest


def ids(refs: object) -> list[str]:
    assert isinstance(refs, tuple)
    return [ref.name for ref in refs]


def test_a_night_is_read_back_as_it_was_read(nights: Nights) -> None:
    gap = Gap("ec2:DescribeVolumeAttribute", "Throttling", "slow down")
    one = nights.volume("vol-1", Size=8, gaps={"AutoEnableIO": gap}, Attachments=[{"Device": "/dev/sda"}])
    two = nights.volume("vol-2", nights.elsewhere, Size=1.5, Big=2**63, Bigger=2**70, Nothing=None, Empty={})
    scan = nights.night(one, two)
    inventory = nights.store.inventory(scan.id)
    assert inventory.count == 2
    assert inventory.types() == ["AWS::EC2::Volume"]
    assert [*inventory.resources("AWS::EC2::Volume")] == [one, two]
    assert [*inventory.resources("AWS::EC2::Volume", "999999999999")] == []
    assert [*inventory.resources("AWS::S3::Bucket")] == []
    assert [*inventory.ids("AWS::EC2::Volume")] == [(nights.volumes, one.id), (nights.elsewhere, two.id)]
    assert [*inventory.ids("AWS::S3::Bucket")] == []
    assert inventory.coverage[nights.volumes] == Coverage(
        nights.volumes, CoverageState.COMPLETE, None, scan.started_at, resources=1, calls=2
    )


def test_an_unchanged_night_writes_its_scan_and_coverage_and_nothing_else(nights: Nights) -> None:
    volumes = [nights.volume(f"vol-{number}", Size=number) for number in range(300)]
    nights.night(*volumes)
    before = nights.rows()
    nights.night(*volumes)
    assert nights.added_rows(before) == {"scans": 1, "coverage": 2}


def test_the_order_of_fields_and_the_message_of_a_gap_are_no_change(nights: Nights) -> None:
    nights.night(nights.volume("vol-1", A=1, B=2, gaps={"C": Gap("ec2:X", "Denied", "request 1")}))
    before = nights.rows()
    nights.night(nights.volume("vol-1", B=2, A=1, gaps={"C": Gap("ec2:X", "Denied", "request 2")}))
    assert nights.added_rows(before) == {"scans": 1, "coverage": 2}


def test_a_field_that_one_of_two_nights_could_not_read_is_no_change_and_what_else_changed_is(nights: Nights) -> None:
    nights.night(nights.volume("a", Size=1, Tags=["x"]), nights.volume("b", Size=1, Tags=["x"]))
    denied = {"Tags": Gap("ec2:DescribeTags", "UnauthorizedOperation")}
    blind = nights.night(nights.volume("a", gaps=denied, Size=1), nights.volume("b", gaps=denied, Size=2))
    assert [change.resource.name for change in nights.store.drift(blind.id).changed] == ["b"]
    sighted = nights.night(nights.volume("a", Size=1, Tags=["x"]), nights.volume("b", Size=2, Tags=["x"]))
    changes = nights.store.drift(sighted.id)
    assert (changes.added, changes.changed, changes.gone) == ((), (), ())


def test_a_change_begins_a_version_and_each_night_keeps_its_own(nights: Nights) -> None:
    small, same = nights.volume("vol-1", Size=8), nights.volume("vol-2", Size=8)
    first = nights.night(small, same)
    before = nights.rows()
    large = nights.volume("vol-1", Size=16)
    second = nights.night(large, same)
    assert nights.added_rows(before) == {"scans": 1, "coverage": 2, "versions": 1}
    assert nights.read(first)[small.id].document["Size"] == 8
    assert nights.read(second)[small.id].document["Size"] == 16
    changes = nights.store.drift(second.id)
    assert (changes.added, ids(tuple(change.resource for change in changes.changed)), changes.gone) == (
        (),
        ["vol-1"],
        (),
    )


@pytest.mark.parametrize(
    "field", [{"document": {"VolumeId": "vol-1", "New": 1}}, {"tags": {"Name": "other"}}, {"name": "other"}]
)
def test_document_tags_and_name_are_what_can_change(nights: Nights, field: dict[str, object]) -> None:
    nights.night(nights.volume("vol-1"))
    changed = replace(nights.volume("vol-1"), **field)  # type: ignore[arg-type]
    second = nights.night(changed)
    assert replace(nights.read(second)[changed.id], observed_at=changed.observed_at) == changed
    assert len(nights.store.drift(second.id).changed) == 1


def test_a_field_that_becomes_a_gap_hides_no_value_of_the_night_before(nights: Nights) -> None:
    first = nights.night(nights.volume("vol-1", Policy={"Statement": []}))
    gap = Gap("ec2:GetPolicy", "AccessDenied")
    second = nights.night(nights.volume("vol-1", gaps={"Policy": gap}))
    (now,), (then,) = nights.read(second).values(), nights.read(first).values()
    assert "Policy" not in now.document
    assert now.gaps == {"Policy": gap}
    assert then.document["Policy"] == {"Statement": []}
    assert then.gaps == {}


def test_a_resource_that_vanishes_is_gone_and_comes_back_as_the_same(nights: Nights) -> None:
    one, two = nights.volume("vol-1"), nights.volume("vol-2")
    nights.night(one, two)
    without = nights.night(two)
    assert ids(nights.store.drift(without.id).gone) == ["vol-1"]
    assert nights.read(without).keys() == {two.id}
    resources = nights.rows()["resources"]
    again = nights.night(one, two)
    assert ids(nights.store.drift(again.id).added) == ["vol-1"]
    assert nights.read(again).keys() == {one.id, two.id}
    assert nights.rows()["resources"] == resources


def not_offered(nights: Nights, **asked: Any) -> tuple[Scan, Coverage]:
    """A night on which the volumes' service answers that it is not offered; and what the store made of that."""
    scan = nights.night(states={nights.volumes: CoverageState.NOT_OFFERED}, **asked)
    return scan, nights.store.inventory(scan.id).coverage[nights.volumes]


def test_a_service_that_is_not_offered_where_nothing_was_known_is_believed_at_once(nights: Nights) -> None:
    assert not_offered(nights)[1].state is CoverageState.NOT_OFFERED
    nights.night(nights.volume("vol-1"))
    nights.night()
    assert not_offered(nights)[1].state is CoverageState.NOT_OFFERED, "what was known is gone since"


def test_that_a_service_is_not_offered_any_more_closes_nothing_for_three_days(nights: Nights) -> None:
    one = nights.volume("vol-1")
    first = nights.night(one)
    for _ in range(3):
        scan, read = not_offered(nights)
        assert (read.state, read.gap and read.gap.code) == (CoverageState.FAILED, "NoLongerOffered")
        assert read.gap is not None
        assert "1 resource was known here" in read.gap.message
        assert not nights.store.drift(scan.id).gone
        assert nights.read(scan) == {}, "nor is it taken for read"
    assert nights.read(first).keys() == {one.id}
    scan, read = not_offered(nights)
    assert read.state is CoverageState.NOT_OFFERED
    assert ids(nights.store.drift(scan.id).gone) == ["vol-1"]


def test_one_night_on_which_the_service_answers_begins_the_three_days_anew(nights: Nights) -> None:
    one = nights.volume("vol-1")
    for told in (2, 3, 3):
        nights.night(one)
        for _ in range(told):
            assert not_offered(nights)[1].state is CoverageState.FAILED


@pytest.mark.parametrize("state", [CoverageState.DENIED, CoverageState.FAILED])
def test_a_night_without_an_answer_neither_begins_them_anew_nor_ends_them(nights: Nights, state: CoverageState) -> None:
    nights.night(nights.volume("vol-1"))
    assert not_offered(nights)[1].state is CoverageState.FAILED
    for _ in range(4):
        scan = nights.night(states={nights.volumes: state})
        assert not nights.store.drift(scan.id).gone
    assert not_offered(nights)[1].state is CoverageState.NOT_OFFERED


@pytest.mark.parametrize("state", [CoverageState.DENIED, CoverageState.FAILED, CoverageState.PARTIAL])
def test_a_scope_that_was_not_read_completely_ends_nothing(nights: Nights, state: CoverageState) -> None:
    one, two = nights.volume("vol-1"), nights.volume("vol-2")
    nights.night(one, two)
    before = nights.rows()
    second = nights.night(two, states={nights.volumes: state})
    assert nights.added_rows(before) == {"scans": 1, "coverage": 2}
    assert nights.store.drift(second.id).gone == ()
    coverage = nights.store.inventory(second.id).coverage[nights.volumes]
    assert (coverage.state, coverage.gap) == (state, nights.denied)
    # Only what this scan saw, though more is known.
    assert nights.read(second).keys() == {two.id}
    third = nights.night(one, two)
    assert nights.store.drift(third.id).added == ()
    assert nights.read(third).keys() == {one.id, two.id}


def test_a_partial_scope_still_brings_what_changed_and_what_is_new(nights: Nights) -> None:
    nights.night(nights.volume("vol-1", Size=8), nights.volume("vol-2"))
    seen = (nights.volume("vol-1", Size=9), nights.volume("vol-3"))
    second = nights.night(*seen, states={nights.volumes: CoverageState.PARTIAL})
    assert {item.id: item.document for item in seen} == {id: item.document for id, item in nights.read(second).items()}
    changes = nights.store.drift(second.id)
    assert (ids(changes.added), ids(tuple(change.resource for change in changes.changed)), changes.gone) == (
        ["vol-3"],
        ["vol-1"],
        (),
    )


def test_a_narrower_scan_leaves_the_other_scopes_alone(nights: Nights) -> None:
    here, there = nights.volume("vol-1"), nights.volume("vol-2", nights.elsewhere)
    nights.night(here, there)
    narrow = nights.night(here, scopes=[nights.volumes], regions=("eu-west-1",))
    assert nights.read(narrow).keys() == {here.id}
    assert set(nights.store.inventory(narrow.id).coverage) == {nights.volumes}
    assert nights.store.drift(narrow.id).gone == ()
    assert nights.read(nights.night(here, there)).keys() == {here.id, there.id}


def test_a_scan_of_another_account_leaves_this_one_alone(nights: Nights) -> None:
    first = nights.night(nights.volume("vol-1"))
    other = Scope("999999999999", "eu-west-1", "AWS::EC2::Volume")
    second = nights.night(nights.volume("vol-1", other), account=other.account, scopes=[other])
    assert [item.account for item in nights.read(first).values()] == [nights.account]
    assert [item.account for item in nights.read(second).values()] == [other.account]


def test_volatile_values_are_each_scans_own_and_no_change(nights: Nights) -> None:
    first = nights.night(nights.volume("vol-1", Size=8, Now="01:00"), nights.volume("vol-2", Size=8))
    before = nights.rows()
    second = nights.night(nights.volume("vol-1", Size=8, Now="02:00"), nights.volume("vol-2", Size=8))
    assert nights.added_rows(before) == {"scans": 1, "coverage": 2, "observations": 1}
    assert [item.document.get("Now") for item in nights.read(first).values()] == ["01:00", None]
    assert [item.document.get("Now") for item in nights.read(second).values()] == ["02:00", None]
    assert nights.store.drift(second.id).changed == ()


def test_what_does_not_change_by_itself_is_read_without_the_rest_and_of_the_asked_for_only(nights: Nights) -> None:
    one, two, three = (nights.volume(f"vol-{number}", Size=number, Now="01:00") for number in (1, 2, 3))
    nights.night(one, two, three)
    partial = nights.night(two, three, states={nights.volumes: CoverageState.PARTIAL})
    inventory = nights.store.inventory(partial.id)
    read = [*inventory.steady("AWS::EC2::Volume", {one.id, three.id, "arn:of:nothing"})]
    assert read == [replace(three, document={"VolumeId": "vol-3", "Size": 3}, observed_at=partial.started_at)]
    assert [*inventory.ids("AWS::EC2::Volume")] == [(nights.volumes, two.id), (nights.volumes, three.id)]
    assert [*inventory.steady("AWS::S3::Bucket", {one.id})] == []


def test_a_volatile_value_that_could_not_be_read_is_a_gap_of_that_night_alone(nights: Nights) -> None:
    first = nights.night(nights.volume("vol-1", Now="01:00"))
    gap = Gap("cloudwatch:GetMetricData", "Throttling", "later")
    second = nights.night(nights.volume("vol-1", gaps={"Now": gap}))
    assert nights.store.drift(second.id).changed == ()
    assert [item.gaps for item in nights.read(first).values()] == [{}]
    assert [(item.gaps, "Now" in item.document) for item in nights.read(second).values()] == [({"Now": gap}, False)]


def test_the_later_page_holds_when_two_pages_of_a_scan_describe_a_resource_differently(nights: Nights) -> None:
    nights.night(nights.volume("vol-1", Size=1))
    scan = nights.begin()
    with nights.store.writer(scan.id) as writer:
        writer.add(nights.volumes, [nights.volume("vol-1", Size=2), nights.volume("vol-1", Size=3)])
        writer.flush()
        writer.add(nights.volumes, [nights.volume("vol-1", Size=4), nights.volume("vol-2")])
        writer.flush()
        writer.add(nights.volumes, [nights.volume("vol-2", Size=5)])
        writer.close(Coverage(nights.volumes, CoverageState.COMPLETE))
    assert [item.document.get("Size") for item in nights.read(scan).values()] == [4, 5]
    assert nights.store.inventory(scan.id).coverage[nights.volumes].resources == 2


def test_what_a_writer_holds_is_written_before_anybody_reads(nights: Nights) -> None:
    scan = nights.begin()
    writer = nights.store.writer(scan.id)
    writer.add(nights.volumes, [nights.volume("vol-1")])
    writer.close(Coverage(nights.volumes, CoverageState.COMPLETE))
    assert nights.store.inventory(scan.id).count == 1


def test_a_scope_without_an_end_was_not_read(nights: Nights) -> None:
    nights.night(nights.volume("vol-1"))
    scan = nights.begin()
    with nights.store.writer(scan.id) as writer:
        writer.add(nights.volumes, [nights.volume("vol-2")])
    assert nights.store.inventory(scan.id).coverage == {}
    assert nights.read(scan) == {}
    # The next scan takes up where the broken one stopped.
    last = nights.night(nights.volume("vol-2"))
    changes = nights.store.drift(last.id)
    assert (ids(changes.added), ids(changes.gone)) == (["vol-2"], ["vol-1"])


def test_coverage_keeps_the_fields_that_could_not_be_read(nights: Nights) -> None:
    scan = nights.begin()
    gaps = {
        "Tags": Gap("ec2:DescribeTags", "AccessDenied", "not\x00allowed"),
        "Metrics": Gap("cloudwatch:X", "Throttled"),
    }
    with nights.store.writer(scan.id) as writer:
        writer.close(Coverage(nights.volumes, CoverageState.COMPLETE, gaps=gaps))
        writer.close(Coverage(nights.elsewhere, CoverageState.COMPLETE))
    read = nights.store.inventory(scan.id).coverage
    assert read[nights.volumes].gaps == gaps
    assert not read[nights.volumes].whole
    assert read[nights.elsewhere].whole


def test_a_closed_scope_takes_nothing_more(nights: Nights) -> None:
    scan = nights.begin()
    writer = nights.store.writer(scan.id)
    writer.close(Coverage(nights.volumes, CoverageState.COMPLETE))
    with pytest.raises(StoreError, match="was closed in scan"):
        writer.add(nights.volumes, [nights.volume("vol-1")])
    with pytest.raises(StoreError, match="was closed in scan"):
        writer.close(Coverage(nights.volumes, CoverageState.DENIED))


def test_a_scope_of_another_account_is_refused(nights: Nights) -> None:
    writer = nights.store.writer(nights.begin().id)
    with pytest.raises(StoreError, match="not of 999999999999"):
        writer.add(Scope("999999999999", "eu-west-1", "AWS::EC2::Volume"), [])


def test_a_scan_that_was_overtaken_writes_nothing_more(nights: Nights) -> None:
    one = nights.volume("vol-1", Size=1)
    nights.night(one)
    old = nights.begin()
    sleeper = nights.store.writer(old.id)
    sleeper.add(nights.volumes, [nights.volume("vol-1", Size=2)])
    new = nights.night(one)
    assert nights.store.scan(old.id).status is ScanStatus.INTERRUPTED
    with pytest.raises(StoreError, match=f"was overtaken by scan {new.id}"):
        sleeper.flush()
    assert nights.read(new)[one.id].document["Size"] == 1


def test_a_transaction_that_failed_is_made_up_for_by_the_next(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    volumes = [nights.volume(f"vol-{number}") for number in range(200)]
    scan = nights.begin()
    writer = nights.store.writer(scan.id)
    writer.add(nights.volumes, volumes[:150])
    writer.close(Coverage(nights.elsewhere, CoverageState.COMPLETE))

    write = Ingest.write

    def breaks(ingest: Ingest) -> None:
        write(ingest)
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Ingest, "write", breaks)
        with pytest.raises(StoreError, match="disk is full"):
            writer.flush()
    assert nights.rows()["versions"] == nights.rows()["dictionaries"] == 0
    writer.add(nights.volumes, volumes[150:])
    writer.close(Coverage(nights.volumes, CoverageState.COMPLETE))
    assert nights.read(scan).keys() == {item.id for item in volumes}


@pytest.mark.parametrize(
    "text",
    [
        "nul\x00nul", "\ud800", "\udfff\ud800 and \U0001f600", "\ud83d\ude00", r"\u0000 \n \\", "x" * 10_000, "\u202e",
        "'; DROP TABLE scans; --", "\\", "=cmd()", "<script>", "\x1b[31m", "\\x00", "\N{COMBINING ACUTE ACCENT}", "", "\r\n",
    ],
)  # fmt: skip
def test_text_that_hurts_is_kept_to_the_letter(nights: Nights, text: str) -> None:
    document = {"VolumeId": text, text: [text], "Deep": {text: text}}
    tags, gaps = {text: text}, {text: Gap(text, text, text)}
    arn = f"arn:aws:{text}"
    hostile = Resource(
        "AWS::EC2::Volume", arn, text, nights.account, "eu-west-1", nights.begin().started_at, document, gaps, tags
    )
    fine = nights.volume("vol-1")
    scan = nights.begin()
    for _ in range(2):
        scan = nights.begin(selection={"check": (text,)})
        with nights.store.writer(scan.id) as writer:
            writer.add(nights.volumes, [hostile, fine])
            writer.close(Coverage(nights.volumes, CoverageState.PARTIAL, Gap(text, text, text), hostile.observed_at))
    (read, _) = nights.store.inventory(scan.id).resources("AWS::EC2::Volume")
    assert read == hostile
    assert nights.store.inventory(scan.id).coverage[nights.volumes].gap == Gap(text, text, text)
    assert nights.store.scan(scan.id).selection == {"check": (text,)}
    assert nights.rows()["versions"] == 2


def test_what_is_no_json_is_refused_in_one_line(nights: Nights) -> None:
    writer = nights.store.writer(nights.begin().id)
    with pytest.raises(StoreError, match="cannot be kept in the store: bytes is not a JSON value"):
        writer.add(nights.volumes, [nights.volume("vol-1", Blob=b"\x00")])


def test_scans_are_found_again(nights: Nights) -> None:
    store = nights.store
    assert store.latest_scan() is None
    first = nights.night(nights.volume("vol-1"))
    narrow = nights.night(regions=("eu-west-1",), selection={"section": ("cost",)})
    third = nights.night()
    other = nights.night(account="999999999999", scopes=[Scope("999999999999", "global", "AWS::IAM::User")])
    running = nights.begin()
    assert [scan.id for scan in store.scans()] == [running.id, other.id, third.id, narrow.id, first.id]
    assert [scan.id for scan in store.scans(nights.account, limit=2)] == [running.id, third.id]
    assert store.scan(narrow.id) == narrow
    assert narrow.selection == {"section": ("cost",)}
    assert narrow.statistics == {"calls": 4}
    assert store.latest_scan() == other
    assert store.latest_scan(nights.account) == third
    assert store.latest_scan(nights.account, finished=False) == running
    assert store.previous_scan(third) == narrow
    assert store.previous_scan(third, alike=True) == first
    assert store.previous_scan(first) is None
    assert running.finished_at is None
    assert running.started_at - other.started_at == timedelta(days=1)


@pytest.mark.parametrize("number", [0, -1, 7, 2**63, 2**200])
def test_a_scan_that_is_not_there_is_said_in_one_line(store: Store, number: int) -> None:
    with pytest.raises(StoreError, match=rf"there is no scan {number} in the store .*; `auditor scans` lists them"):
        store.inventory(number)


def test_the_newest_scan_that_was_not_narrowed_speaks_for_the_account(nights: Nights) -> None:
    """A scan of one region or section, an hour or days after the nightly one, hides nothing."""
    nights._moments = (START + timedelta(hours=hour) for hour in (0, 24, 25, 26, 27, 72, 73, 25 + 8 * 24, 30 + 8 * 24))
    only: dict[str, Any] = {"regions": ("us-east-1",), "selection": {"region": ["us-east-1"]}}
    old, _, whole = (nights.night() for _ in range(3))
    region = nights.night(scopes=[nights.elsewhere], **only)
    section = nights.night(selection={"section": ["security"]})
    later = nights.night(scopes=[nights.elsewhere], **only)
    theirs = nights.night(account="999999999999", scopes=[Scope("999999999999", "eu-west-1", "AWS::EC2::Volume")])
    found = [nights.store.widest_scan(scan).id for scan in (old, whole, region, section, later, theirs)]
    assert found == [old.id, whole.id, whole.id, whole.id, whole.id, theirs.id]
    assert nights.store.widest_scan(nights.night(selection={"section": ["cost"]})).id == later.id  # wider, if not whole
    last = nights.night(scopes=[nights.elsewhere], **only)  # more than a week after anything wider: this is how it is
    assert nights.store.widest_scan(last).id == last.id


def test_regions_that_the_settings_leave_out_narrow_nothing(nights: Nights) -> None:
    nights.night()
    fewer = nights.night(scopes=[nights.elsewhere], regions=("us-east-1",))
    assert nights.store.widest_scan(fewer).id == fewer.id
    same = nights.night(scopes=[nights.elsewhere], regions=("us-east-1",), selection={"region": ["us-east-1"]})
    assert nights.store.widest_scan(same).id == 1  # all regions were read in the week


def test_what_did_not_come_to_its_end_speaks_for_no_account(nights: Nights) -> None:
    whole = nights.night()
    crashed = nights.begin()
    nights.store.finish_scan(crashed.id, ScanStatus.FAILED, crashed.started_at, {})
    narrow = nights.night(selection={"section": ["cost"]})
    assert nights.store.widest_scan(narrow).id == whole.id


def test_a_clock_that_was_set_back_hides_no_whole_scan(nights: Nights) -> None:
    nights._moments = iter([START + timedelta(days=400), START])
    whole = nights.night()
    assert nights.store.widest_scan(nights.night(selection={"section": ["cost"]})).id == whole.id
