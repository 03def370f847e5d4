"""What tests/conftest.py promises to every other test."""

import os
import socket
from pathlib import Path

import execnet
import platformdirs
import pytest
from conftest import encodable
from pytest_socket import SocketConnectBlockedError
from sqlalchemy import create_engine, text


@pytest.mark.filterwarnings("ignore:A test tried to use socket")
def test_the_network_is_closed() -> None:
    with socket.socket() as outside, pytest.raises(SocketConnectBlockedError):
        outside.connect(("192.0.2.1", 443))


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def test_a_report_of_half_a_character_can_be_sent_to_the_process_that_prints_it() -> None:
    report = {"longrepr": {"lines": ["assert '\ud800' == 'é'"]}, "sections": [("stdout", "\udcff")], "duration": 0.5}
    sent = {"longrepr": {"lines": [r"assert '\ud800' == 'é'"]}, "sections": [("stdout", r"\udcff")], "duration": 0.5}
    assert encodable(report) == sent
    execnet.dumps(encodable(report))


def test_no_settings_of_this_machine_are_seen(home: Path) -> None:
    assert {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "HTTPS_PROXY"}.isdisjoint(os.environ)
    assert platformdirs.user_data_path("auditor").is_relative_to(home)
    assert not Path.home().exists()


def test_each_database_is_empty_and_usable(store_url: str) -> None:
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE mine (id INTEGER)"))
    engine.dispose()
