"""Clients know the operations that may be sent as botocore does, and forget what the others are made of."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import DataNotFoundError, UnknownServiceError

from auditor.aws.answer import Operation
from auditor.aws.guard import NotReadOnly
from auditor.aws.operations import Operations
from auditor.aws.session import connect
from auditor.collect import load_types
from auditor.collect.declare import Call

DECLARED = sorted({(call.service, call.operation) for type in load_types().values() for call in type.every_call})
STOCK = botocore.session.get_session()


def shapes_of(shape: Any, within: tuple[str, ...] = ()) -> Any:
    """SHAPE as plain values: names, kinds, members and how they are written, as deep as they go."""
    if shape is None or shape.name in within:
        return shape and shape.name
    inner = (*within, shape.name)
    parts = {"structure": "members"}.get(shape.type_name)
    held: dict[str, Any] = dict(getattr(shape, parts)) if parts else {}
    for part in ("member", "key", "value"):
        if shape.type_name in ("list", "map") and getattr(shape, part, None) is not None:
            held[part] = getattr(shape, part)
    return shape.name, shape.type_name, dict(shape.serialization), {n: shapes_of(s, inner) for n, s in held.items()}


@pytest.mark.parametrize("service", sorted({service for service, _ in DECLARED}))
def test_every_declared_operation_is_made_of_the_same_shapes_as_stock(service: str) -> None:
    connection = connect([Call(*name) for name in DECLARED])
    ours = connection.clients.client(service, "eu-west-1").meta.service_model
    theirs = STOCK.get_service_model(service)
    assert ours.operation_names == theirs.operation_names
    assert ours.metadata == theirs.metadata
    for name in (operation for owner, operation in DECLARED if owner == service):
        mine, stock = ours.operation_model(name), theirs.operation_model(name)
        assert shapes_of(mine.input_shape) == shapes_of(stock.input_shape)
        assert shapes_of(mine.output_shape) == shapes_of(stock.output_shape)
        assert [shape.name for shape in mine.error_shapes] == [shape.name for shape in stock.error_shapes]


def test_an_operation_that_was_not_declared_is_still_stopped_by_the_guard() -> None:
    connection = connect([Call("ec2", "DescribeVpcs", "Vpcs")])
    with pytest.raises(NotReadOnly, match="ec2:TerminateInstances was stopped"):
        connection.caller().call("ec2", "TerminateInstances", {"InstanceIds": ["i-1"]}, "eu-west-1")


def test_who_declares_more_later_has_it() -> None:
    first = connect([Call("fis", "ListExperiments", "experiments")])
    assert first.clients.client("fis", "eu-west-1").meta.service_model.operation_model("ListExperiments").output_shape
    later = connect([Call("fis", "ListExperimentTemplates", "experimentTemplates")])
    model = later.clients.client("fis", "eu-west-1").meta.service_model
    assert model.operation_model("ListExperimentTemplates").output_shape.members
    assert model.operation_model("ListExperiments").output_shape.members


def test_the_folders_of_models_are_looked_through_once_for_all_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    loader = connect([Call("ec2", "DescribeVpcs", "Vpcs")]).clients.session.get_component("data_loader")
    walked, list_all = list[str](), os.listdir

    def listdir(path: str) -> list[str]:
        walked.append(Path(path).name)
        return list_all(path)

    monkeypatch.setattr(os, "listdir", listdir)
    assert loader.load_service_model("rds", "paginators-1")["pagination"]["DescribeDBInstances"]
    assert loader.load_service_model("sqs", "endpoint-rule-set-1")["rules"]
    assert walked.count("wafv2") <= 1
    with pytest.raises(DataNotFoundError):
        loader.load_service_model("sqs", "resources-1")
    with pytest.raises(UnknownServiceError):
        loader.load_service_model("no-such-service", "paginators-1")


def test_what_all_threads_ask_for_at_once_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    operations, read, start = Operations(botocore.session.get_session()), list[str](), threading.Barrier(8)

    def slowly(service: str, operation: str, read_it: Any = operations._read) -> Any:
        read.append(operation)
        time.sleep(0.05)
        return read_it(service, operation)

    def ask() -> Operation:
        start.wait()
        return operations.operation("rds", "DescribeDBInstances")

    monkeypatch.setattr(operations, "_read", slowly)
    with ThreadPoolExecutor(8) as pool:
        answers = [asked.result() for asked in [pool.submit(ask) for _ in range(8)]]
    assert read == ["DescribeDBInstances"]
    assert all(answer is answers[0] for answer in answers)
