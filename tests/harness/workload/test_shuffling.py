"""Shuffling invents nothing and leaves nothing out."""

from __future__ import annotations

import random

import msgspec
from websockets.frames import Opcode

from harness.lab.middlebox import Message, Payload
from harness.workload.shuffling import Shuffling


def update(*rows: str, table: str = "events") -> bytes:
    tables = [{"table_name": table, "updates": [{"deletes": [], "inserts": list(rows)}]}]
    return msgspec.json.encode({"TransactionUpdate": {"status": {"Committed": {"tables": tables}}}})


def rows(payload: Payload) -> list[str]:
    (table,) = msgspec.json.decode(payload.data)["TransactionUpdate"]["status"]["Committed"]["tables"]
    found: list[str] = table["updates"][0]["inserts"]
    return found


def message(payload: bytes, socket: int = 1) -> Message:
    return Message(socket, "to_client", Opcode.TEXT, payload)


def test_rows_come_in_another_order_and_more_than_once() -> None:
    shuffling = Shuffling(random.Random(1), table="events", plans=("rows",))
    wanted = [f"r{number}" for number in range(20)]
    (sent,) = shuffling(message(update(*wanted)))
    assert set(rows(sent)) == set(wanted)
    assert len(rows(sent)) > len(wanted)
    assert rows(sent) != sorted(rows(sent))
    assert shuffling.times == 1


def test_other_tables_and_other_messages_stay() -> None:
    shuffling = Shuffling(random.Random(1), table="events", plans=("rows",))
    other = update("a", "b", "c", "d", table="heads")
    assert rows(shuffling(message(other))[0]) == ["a", "b", "c", "d"]
    for raw in (b'{"IdentityToken":{}}', b"no json", b"[]"):
        assert shuffling(message(raw)) == [Payload(raw)]


def test_each_connection_has_its_plan_and_the_first_can_be_left_alone() -> None:
    shuffling = Shuffling(random.Random(1), table="events", plans=("as-it-came", "rows"))
    many = update(*map(str, range(20)))
    assert shuffling(message(many, 7)) == [Payload(many)]
    assert shuffling(message(many, 8)) != [Payload(many)]
    assert [shuffling.plan_of(socket) for socket in (7, 8, 9)] == ["as-it-came", "rows", "rows"]


def test_repeats_tell_again_what_was_told() -> None:
    shuffling = Shuffling(random.Random(1), table="events", plans=("repeats",))
    sent = [payload.data for number in range(30) for payload in shuffling(message(update(str(number))))]
    told = [update(str(number)) for number in range(30)]
    assert [one for at, one in enumerate(sent) if one not in sent[:at]] == told
    assert len(sent) > len(told)


def test_turns_lose_nothing() -> None:
    shuffling = Shuffling(random.Random(1), table="events", plans=("turns",))
    sent = [payload for number in range(40) for payload in shuffling(message(update(str(number))))]
    left = [rows(Payload(payload)) for _, payload in shuffling.held()]
    seen = [row for payload in sent for row in rows(payload)] + [row for found in left for row in found]
    assert set(seen) == {str(number) for number in range(40)}
    firsts = list(dict.fromkeys(seen))
    assert firsts != sorted(firsts, key=int)


def test_the_same_seed_gives_the_same() -> None:
    def play() -> list[list[Payload]]:
        shuffling = Shuffling(random.Random(3), table="events", plans=("turns",))
        return [shuffling(message(update(str(number)))) for number in range(20)]

    assert play() == play()
