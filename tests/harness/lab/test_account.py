"""The kernel's book of connections."""

from __future__ import annotations

import asyncio
import socket

from harness.lab.account import SocketTable, peers_of


def test_open_and_lately_closed_connections_are_seen_refused_ones_are_not() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert peers_of(port) == set()
        client = socket.create_connection(("127.0.0.1", port))
        peer = client.getsockname()[1]
        server, _ = listener.accept()
        assert peers_of(port) == {peer}
        client.close()
        server.recv(1)
        server.close()
        assert peers_of(port) == {peer}, "TIME_WAIT"
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        closed = nobody.getsockname()[1]
    with socket.socket() as attempt:
        assert attempt.connect_ex(("127.0.0.1", closed)) != 0
        assert peers_of(closed) == set()


def test_the_table_remembers_what_a_look_saw() -> None:
    async def play() -> tuple[set[int], int]:
        server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        table = SocketTable(port)
        table.start()
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        peer = writer.get_extra_info("sockname")[1]
        table.look()
        writer.transport.abort()  # RST: nothing of it stays in the kernel's table
        await table.stop()
        server.close()
        return table.seen, peer

    seen, peer = asyncio.run(play())
    assert peer in seen
