"""The garbage collector is tuned while an account is read, and as it was before afterwards."""

import gc

import pytest

from auditor.collect.garbage import seldom_collected


class Interrupted(Exception):
    """What ends a collection."""


def test_the_collector_is_tuned_inside_and_restored_afterwards_whatever_happens() -> None:
    def read() -> None:
        with seldom_collected():
            assert gc.get_threshold() == (50_000, 20, 50)
            assert gc.get_freeze_count() > 0
            raise Interrupted

    before = gc.get_threshold()
    with pytest.raises(Interrupted):
        read()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_the_last_one_to_leave_restores_it() -> None:
    before = gc.get_threshold()
    first, second = seldom_collected(), seldom_collected()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold() == (50_000, 20, 50)
    second.__exit__(None, None, None)
    assert gc.get_threshold() == before


def test_what_was_switched_off_stays_off() -> None:
    gc.disable()
    try:
        with seldom_collected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
