"""The middlebox: reads every message, alters nothing, adds what it is told between messages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from harness.lab.middlebox import FrameSplitter, Message, Middlebox, Payload, answers

REQUEST = (
    b"GET /v1/database/d/subscribe HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Key: k\r\n\r\n"
)
UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


class FakeLink:
    """The client's side of a connection."""

    def __init__(self) -> None:
        self.sent = b""
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True

    def send_to_client(self, data: bytes) -> None:
        self.sent += data


def box_and_tap() -> tuple[Middlebox, object, FakeLink, list[Message]]:
    seen: list[Message] = []
    box, link = Middlebox(on_message=seen.append), FakeLink()
    return box, box.tap(link), link, seen  # type: ignore[arg-type]


def opened():  # type: ignore[no-untyped-def]
    box, tap, link, seen = box_and_tap()
    tap.to_server(REQUEST)  # type: ignore[attr-defined]
    tap.to_client(UPGRADED)  # type: ignore[attr-defined]
    return box, tap, link, seen


payloads = st.lists(st.binary(max_size=300), min_size=1, max_size=6)


@given(payloads, st.booleans(), st.data())
def test_any_split_of_the_bytes_gives_the_same_frames(contents: list[bytes], masked: bool, data: st.DataObject) -> None:
    raw = b"".join(Frame(Opcode.BINARY, content).serialize(mask=masked) for content in contents)
    splitter, found, start = FrameSplitter(masked=masked), [], 0
    while start < len(raw):
        end = data.draw(st.integers(start + 1, len(raw)))
        found += splitter.feed(raw[start:end])
        start = end
    assert [bytes(frame.data) for frame in found] == contents
    assert not splitter.pending


def test_pending_is_true_inside_a_frame_and_false_between() -> None:
    splitter = FrameSplitter(masked=False)
    raw = Frame(Opcode.TEXT, b"x" * 200).serialize(mask=False)
    for length in (1, 2, 3, 4, 100):
        splitter.feed(raw[:length])
        assert splitter.pending, length
        splitter = FrameSplitter(masked=False)
    splitter.feed(raw)
    assert not splitter.pending


@given(payloads, st.data())
def test_what_passes_is_what_came_byte_for_byte(contents: list[bytes], data: st.DataObject) -> None:
    _, tap, _, seen = opened()
    raw = b"".join(Frame(Opcode.TEXT, content).serialize(mask=False) for content in contents)
    passed, start = b"", 0
    while start < len(raw):
        end = data.draw(st.integers(start + 1, len(raw)))
        passed += tap.to_client(raw[start:end])
        start = end
    assert passed == raw
    assert [message.payload for message in seen] == contents


def test_compression_is_declined_and_nothing_else_of_the_request_changes() -> None:
    _, tap, _, _ = box_and_tap()
    passed = b"".join(tap.to_server(REQUEST[i : i + 7]) for i in range(0, len(REQUEST), 7))  # type: ignore[attr-defined]
    assert b"extensions" not in passed.lower()
    assert passed == REQUEST.replace(b"Sec-WebSocket-Extensions: permessage-deflate\r\n", b"")


def test_fragments_are_one_message_and_nothing_is_injected_between_them() -> None:
    box, tap, link, seen = opened()
    first = Frame(Opcode.TEXT, b"he", fin=False).serialize(mask=False)
    last = Frame(Opcode.CONT, b"llo", fin=True).serialize(mask=False)
    extra = Frame(Opcode.TEXT, b"extra").serialize(mask=False)
    assert tap.to_client(first) == first
    assert box.inject(tap.number, b"extra")
    assert link.sent == b"", "a fragmented message is under way"
    assert tap.to_client(last) == last + extra
    assert box.inject(tap.number, b"extra")
    assert link.sent == extra, "between messages it goes at once"
    assert [message.payload for message in seen] == [b"hello"]


def test_nothing_is_injected_into_the_middle_of_a_frame() -> None:
    box, tap, link, _ = opened()
    raw = Frame(Opcode.TEXT, b"hello").serialize(mask=False)
    tap.to_client(raw[:3])
    box.inject(tap.number, b"x")
    assert link.sent == b""
    assert tap.to_client(raw[3:]).startswith(raw[3:])


def test_both_directions_are_told_apart_and_masks_are_taken_off() -> None:
    _, tap, _, seen = opened()
    tap.to_server(Frame(Opcode.TEXT, b"up").serialize(mask=True))
    tap.to_client(Frame(Opcode.PING, b"p").serialize(mask=False) + Frame(Opcode.TEXT, b"down").serialize(mask=False))
    assert [(message.direction, message.payload) for message in seen] == [("to_server", b"up"), ("to_client", b"down")]


def test_what_is_no_websocket_passes_as_it_is() -> None:
    _, tap, _, seen = box_and_tap()
    request = b"POST /v1/database/d/call/x HTTP/1.1\r\nHost: x\r\n\r\n[1]"
    assert tap.to_server(request) == request  # type: ignore[attr-defined]
    assert tap.to_client(b"HTTP/1.1 200 OK\r\n\r\n") == b"HTTP/1.1 200 OK\r\n\r\n"  # type: ignore[attr-defined]
    assert seen == []


def test_bytes_that_are_no_frames_pass_and_are_no_longer_looked_at() -> None:
    _, tap, _, seen = opened()
    garbage = b"\xff" * 40
    assert tap.to_client(garbage) == garbage
    good = Frame(Opcode.TEXT, b"x").serialize(mask=False)
    assert tap.to_client(good) == good
    assert seen == []


def test_a_refused_upgrade_is_no_websocket() -> None:
    box, tap, _, seen = box_and_tap()
    tap.to_server(REQUEST)  # type: ignore[attr-defined]
    assert box.unsure, "until it is answered it may be one"
    refusal = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno"
    assert tap.to_client(refusal) == refusal  # type: ignore[attr-defined]
    assert (seen, box.unsure) == ([], set())


def test_what_never_ends_its_head_passes_as_it_is() -> None:
    """A peer that speaks another protocol is the server's to refuse, and not ours to keep waiting."""
    for garbage in (b"\x16\x03\x01" * 40_000, b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000):
        _, tap, _, seen = box_and_tap()
        passed = b"".join(tap.to_server(garbage[i : i + 9_000]) for i in range(0, len(garbage), 9_000))  # type: ignore[attr-defined]
        assert passed == garbage
        assert tap.to_client(b"anything") == b"anything"  # type: ignore[attr-defined]
        assert seen == []


def test_an_upgrade_whose_answer_never_ends_its_head_passes_as_it_is() -> None:
    _, tap, _, seen = box_and_tap()
    tap.to_server(REQUEST)  # type: ignore[attr-defined]
    endless = b"HTTP/1.1 101 x\r\n" + b"x: y\r\n" * 20_000
    assert b"".join(tap.to_client(endless[i : i + 9_000]) for i in range(0, len(endless), 9_000)) == endless  # type: ignore[attr-defined]
    assert seen == []


def test_nothing_is_injected_where_messages_cannot_be_told_apart() -> None:
    """An injection that would never be sent must not be recorded as one that was."""
    box, tap, link, _ = opened()
    tap.to_client(b"\xff" * 40)
    assert not box.inject(tap.number, b"x")
    assert link.sent == b""


def test_a_socket_that_is_gone_takes_nothing() -> None:
    box, tap, _, _ = opened()
    tap.ended()
    assert not box.inject(tap.number, b"x")


def test_an_interposer_answers_its_routes_only() -> None:
    answer = answers({("GET", "/old"): (200, "{}"), ("HEAD", "/old"): (200, "{}")})
    said = answer(b"GET /old?x=1 HTTP/1.1\r\n\r\n")
    assert said is not None
    assert said.startswith(b"HTTP/1.1 200")
    assert said.endswith(b"\r\n\r\n{}")
    assert (answer(b"HEAD /old HTTP/1.1\r\n\r\n") or b"").endswith(b"\r\n\r\n")
    assert answer(b"GET /new HTTP/1.1\r\n\r\n") is None
    assert answer(b"\x00\xff") is None


def altering(alter):  # type: ignore[no-untyped-def]
    box, tap, link, seen = opened()
    box.alter = alter
    return box, tap, link, seen


@given(payloads, st.data())
def test_altered_messages_go_on_as_said_however_the_bytes_were_split(
    contents: list[bytes], data: st.DataObject
) -> None:
    """Each twice, the second one spoilt; a ping between them goes on as it is."""
    _, tap, _, seen = altering(lambda m: [Payload(m.payload), Payload(m.payload + b"!", spoilt=True)])
    raw = b"".join(Frame(Opcode.TEXT, content).serialize(mask=False) for content in contents)
    raw += Frame(Opcode.PING, b"p").serialize(mask=False)
    out, start = b"", 0
    while start < len(raw):
        end = data.draw(st.integers(start + 1, len(raw)))
        out += tap.to_client(raw[start:end])
        start = end
    frames = FrameSplitter(masked=False).feed(out)
    expected = [part for content in contents for part in (content, content + b"!")]
    assert [bytes(frame.data) for frame in frames] == [*expected, b"p"]
    assert [(m.payload, m.spoilt) for m in seen] == [(part, n % 2 == 1) for n, part in enumerate(expected)]


def test_altering_begins_and_ends_between_messages() -> None:
    box, tap, _, _ = opened()
    first, second, third = (Frame(Opcode.TEXT, content).serialize(mask=False) for content in (b"one", b"two", b"three"))
    out = tap.to_client(first[:2])
    box.alter = lambda message: []
    out += tap.to_client(first[2:])
    out += tap.to_client(second[:3])
    box.alter = None
    out += tap.to_client(second[3:])
    out += tap.to_client(third)
    assert [bytes(f.data) for f in FrameSplitter(masked=False).feed(out)] == [b"one", b"two", b"three"]


def test_what_is_no_frame_ends_a_connection_that_is_altered() -> None:
    _, tap, link, _ = altering(lambda message: [Payload(message.payload)])
    assert tap.to_client(b"\xff\xff\xff\xff") == b""
    assert link.aborted


def test_a_message_that_was_held_back_is_told_when_it_goes_on() -> None:
    box, tap, link, seen = opened()
    assert box.inject(tap.number, b"late", crossed=True)
    assert [message.payload for message in seen] == [b"late"]
    assert FrameSplitter(masked=False).feed(link.sent)[0].data == b"late"


MINT = b"POST /v1/identity/websocket-token HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
MINTED = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
REFUSED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"


def test_a_socket_on_a_connection_that_was_kept_is_read_like_any_other() -> None:
    """The official SDK's client trades its token first and may upgrade the very same connection."""
    box, tap, _, seen = box_and_tap()
    assert tap.to_server(MINT) == MINT  # type: ignore[attr-defined]
    assert tap.to_client(MINTED) == MINTED  # type: ignore[attr-defined]
    assert b"Extensions" not in tap.to_server(REQUEST)  # type: ignore[attr-defined]
    assert box.unsure == {1}
    assert tap.to_client(REFUSED) == REFUSED  # type: ignore[attr-defined]
    assert box.unsure == set()
    tap.to_server(REQUEST)  # type: ignore[attr-defined]
    tap.to_client(UPGRADED + Frame(Opcode.BINARY, b"hello").serialize(mask=False))  # type: ignore[attr-defined]
    tap.to_server(Frame(Opcode.BINARY, b"there").serialize(mask=True))  # type: ignore[attr-defined]
    assert [message.payload for message in seen] == [b"hello", b"there"]
