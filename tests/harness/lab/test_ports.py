"""Ports: never one that somebody holds, listens on, or lately spoke over."""

from __future__ import annotations

import multiprocessing
import os
import socket

import pytest

from harness.errors import LabError
from harness.lab.ports import FIRST, LAST, Ports

# Ports that no lab takes, and that no other run of these tests looks at: above the labs', below the ephemeral ones.
BASE = 32_000 + os.getpid() % 38 * 20


def _take(count: int) -> list[int]:
    ports = Ports()
    taken = [ports.take() for _ in range(count)]
    _held.append(ports)
    return taken


_held: list[Ports] = []


def test_two_processes_never_get_the_same_port() -> None:
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        taken = [port for part in pool.map(_take, [20, 20], chunksize=1) for port in part]
    assert len(set(taken)) == 40
    assert all(FIRST <= port <= LAST for port in taken)


def test_a_port_that_is_given_back_can_be_had_again() -> None:
    with Ports(BASE, BASE + 9) as ports:
        first = {ports.take() for _ in range(5)}
    with Ports(BASE, BASE + 9) as ports:
        again = {ports.take() for _ in range(10)}
    assert first <= again


def test_when_all_are_taken_it_says_so() -> None:
    low, high = BASE + 10, BASE + 12
    with Ports(low, high) as ports:
        taken = [ports.take() for _ in range(3)]
        assert sorted(taken) == [low, low + 1, high]
        with Ports(low, high) as other, pytest.raises(LabError, match=f"no free port between {low} and {high}"):
            other.take()


def test_a_port_that_somebody_listens_on_is_left_alone() -> None:
    low = BASE + 13
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", low))
        listener.listen()
        with Ports(low, low + 1) as ports:
            assert ports.take() == low + 1


def test_a_port_that_was_lately_spoken_over_is_left_alone() -> None:
    """TIME_WAIT on the client's side: a new server there would seem to have had that connection."""
    low = BASE + 15
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", low))
        listener.listen()
        client = socket.create_connection(("127.0.0.1", low))
        server, _ = listener.accept()
        client.close()
        assert server.recv(1) == b""
        server.close()
    with Ports(low, low + 1) as ports:
        assert ports.take() == low + 1


def test_a_very_port_is_held_alone_and_given_back() -> None:
    with Ports() as ports, Ports() as others:
        port = ports.take()
        ports.give_back(port)
        assert ports.hold(port) == port
        with pytest.raises(LabError, match="held by another run"):
            others.hold(port)
        ports.give_back(port)
        assert others.hold(port) == port


def test_a_very_port_that_somebody_listens_on_is_an_error_that_says_what_to_do() -> None:
    with Ports() as ports, socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(LabError, match="end the server there"):
            ports.hold(port)
        server.close()
        assert ports.hold(port) == port


def test_a_very_port_may_have_old_connections() -> None:
    with Ports() as ports:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            client = socket.create_connection(("127.0.0.1", port))
            server.accept()[0].close()  # the side that closes first keeps the port in TIME_WAIT
            client.close()
        assert ports.hold(port) == port
