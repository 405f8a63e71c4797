"""What a token opens and what it does not: by time, scope and signature, and after revocation and rotation."""

from __future__ import annotations

import time

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey

from gates.tokens import ACCEPTED, NOTHING, Bearer, OpenSocket, Uses
from harness.checkers.contract import ContractBroken
from harness.checkers.tokens import SERVER_LEEWAY_S, TokenMisuse
from harness.errors import SubjectError
from harness.gate import gate
from harness.scenario import Scenario
from harness.surfaces.control import ControlSurface, Minted, Session, unpack_jwt
from harness.surfaces.web import Reply
from harness.wait import until, until_wall
from harness.workload.traffic import Traffic

LIVES_S = 5  # long enough for the first rows and a wait in vain, short enough to wait for its end
LATE_S = 1.5
MARGIN_S = 10
IDLE_S = 1.2  # the server writes what it acknowledged every 0.5 s: what is older outlives its end
REFUSED = "refused"


async def _writer(control: ControlSurface, session: Session, streams: list[str], ttl_s: int | None = None) -> Minted:
    """A token that may read and append."""
    step = control.config.mint_append
    if step is None:
        raise SubjectError("no token may write", hint="add [control.mint_append] to signoff.toml")
    return await control.mint(session, streams, ttl_s=ttl_s, step=step)


async def _stocked(scene: Scenario, uses: Uses, traffic: Traffic) -> tuple[str, str]:
    """Two streams with an event each: one that tokens are for, one that is foreign to all of them."""
    own, foreign = scene.streams(2)
    for stream in (own, foreign):
        said = await scene.appender().append(traffic.event(stream))
        scene.record.expect("server", f"an event is in {stream}", "ok", said)
    return own, foreign


@gate(
    "control/token-truth-table",
    surfaces=["control"],
    checkers=[TokenMisuse(leeway_s=float(SERVER_LEEWAY_S)), ContractBroken()],
    floors={"mint": 4, "use_token": 9, "request": 40},
    timeout_s=150,
)
async def test_token_truth_table(scene: Scenario) -> None:
    """C-09: new connection, HTTP call and open socket; before expiry, within the leeway, after it; revoked, without
    expiry, forged, read-only, for a foreign stream; each for reading and for writing. Keys are control/rotation's."""
    control = await scene.start_control()
    if scene.config.module.reads == "open":
        raise SubjectError("the module shows every row to everybody, so a token bounds nothing: module.reads is 'open'")
    traffic = Traffic(scene.rng, scene.nonce)
    uses = Uses(scene, traffic)
    own, foreign = await _stocked(scene, uses, traffic)
    neighbour = await control.sign_in(f"nell-{scene.nonce[:6]}", "device-0")
    theirs = await _writer(control, neighbour, [foreign])
    said = await uses.read(Bearer(theirs.token, theirs), foreign)
    scene.record.expect("server", "the foreign stream is there, for whom it was granted to", "rows", said)
    session = await control.sign_in(f"alice-{scene.nonce[:6]}", "device-1")
    minted = await _writer(control, session, [own], max(control.config.token.min_ttl_s, LIVES_S))
    bearer = Bearer(minted.token, minted)
    expires_s = minted.expires_at_s
    scene.record.expect("control", "a token has an expiry", True, expires_s is not None)
    async with await uses.open(bearer) as socket:
        await _row(uses, "before expiry", bearer, own, ACCEPTED, "rows", ACCEPTED)
        outside = Bearer(minted.token, minted, in_scope=False)
        await _row(uses, "for a foreign stream", outside, foreign, None, NOTHING, REFUSED)
        await _socket_row(socket, "before expiry", bearer, own, rows=2, write=ACCEPTED)
        for what, token in _forged(minted).items():
            await _row(uses, what, Bearer(token, minted, forged=True), own, "401", "401", "401")
        await _read_only(uses, control, own)
        await _revoked(scene, uses, control, own)
        await until_wall((expires_s or time.time()) + LATE_S)
        await _row(uses, "expired, within the leeway", bearer, own, ACCEPTED, NOTHING, REFUSED)
        await _socket_row(socket, "expired", bearer, own, rows=0, write=REFUSED)
    await _leeway(scene, uses, minted, own)
    if scene.chosen.profile == "release":
        await until_wall((expires_s or time.time()) + SERVER_LEEWAY_S + LATE_S)
        await _row(uses, "expired, after the leeway", bearer, own, "401", "401", "401")
    else:
        told = (
            f"not shown in profile {scene.chosen.profile}: control's own token after the leeway; release waits for it"
        )
        scene.record.op("gate", "settle", "info", error=told)


async def _row(uses: Uses, what: str, bearer: Bearer, stream: str, connect: str | None, read: str, write: str) -> None:
    """One row of the table: a new connection, and HTTP calls that read and write."""
    expect = uses.scene.record.expect
    if connect is not None:
        expect("server", f"{what}: a new connection", connect, await uses.connect(bearer))
    expect("server", f"{what}: reading by HTTP", read, await uses.read(bearer, stream))
    expect("server", f"{what}: writing by HTTP", write, await uses.write(bearer, stream))


async def _socket_row(socket: OpenSocket, what: str, bearer: Bearer, stream: str, *, rows: int, write: str) -> None:
    """The same on a socket that was opened when the token was good."""
    expect = socket.uses.scene.record.expect
    shown = await socket.shows(rows, f"{rows} rows ({what})")
    expect("server", f"{what}: rows in sight of the open socket", rows, shown)
    expect("server", f"{what}: writing on the open socket", write, await socket.write(bearer, stream))


def _forged(minted: Minted) -> dict[str, str]:
    """Tokens that say what the real one says, and that control did not sign."""
    head, claims, signature = minted.token.split(".")
    other = ECKey.import_key(ec.generate_private_key(ec.SECP256R1()))
    header = {"alg": "ES256", "kid": str(minted.header.get("kid", "")), "typ": "JWT"}
    flipped = signature[:-2] + ("AA" if signature[-2:] != "AA" else "BB")
    return {
        "with a changed signature": f"{head}.{claims}.{flipped}",
        "without a signature": f"{head}.{claims}.",
        "signed by another key under this kid": jwt.encode(header, dict(minted.claims), other),
    }


async def _read_only(uses: Uses, control: ControlSurface, own: str) -> None:
    session = await control.sign_in(f"rita-{uses.scene.nonce[:6]}", "device-2")
    minted = await control.mint(session, [own])
    bearer = Bearer(minted.token, minted)
    uses.scene.record.expect("server", "read-only: reading by HTTP", "rows", await uses.read(bearer, own))
    outside = Bearer(minted.token, minted, in_scope=False)
    uses.scene.record.expect("server", "read-only: writing by HTTP", REFUSED, await uses.write(outside, own))


async def _revoked(scene: Scenario, uses: Uses, control: ControlSurface, own: str) -> None:
    """The token itself stays well signed, so the server opens sockets for it; what it may see and do is gone."""
    session = await control.sign_in(f"vera-{scene.nonce[:6]}", "device-3")
    minted = await _writer(control, session, [own])
    bearer = Bearer(minted.token, minted)
    async with await uses.open(bearer) as socket:
        shown = await socket.shows((await scene.observer.heads()).get(own, 0), "all rows")
        scene.record.expect("server", "before revocation: the open socket shows rows", True, shown > 0)
        said = await socket.write(bearer, own)
        scene.record.expect("server", "before revocation: writing on the open socket", ACCEPTED, said)
        await control.revoke(session)
        over = Bearer(minted.token, minted, revoked_at_s=time.time())
        await _socket_row(socket, "revoked", over, own, rows=0, write=REFUSED)
        await _row(uses, "revoked", over, own, None, NOTHING, REFUSED)
    await _no_more(control, session, own)


async def _no_more(control: ControlSurface, session: Session, own: str) -> None:
    reply = await control.web.perform(control.config.mint, control.mint_variables(session, [own]))
    control.expect(
        "a revoked session gets no token", True, reply.status >= 400 and "token" not in reply.captured, reply
    )


async def _leeway(scene: Scenario, uses: Uses, minted: Minted, own: str) -> None:
    """How long the server takes a token after its expiry, measured with tokens that say what control's says and are
    signed by the server's own key, because control gives none that has expired. And one without expiry: the server
    takes it, and without a live grant it opens nothing."""
    issuer, subject = str(minted.claims.get("iss")), str(minted.claims.get("sub"))

    def signed(lifetime_s: int | None) -> Bearer:
        token = scene.lab.keys.token(issuer, subject, lifetime_s=lifetime_s).token
        return Bearer(token, Minted(token, *unpack_jwt(token), Reply(0, "", None, {})))

    expect = scene.record.expect
    within, beyond = SERVER_LEEWAY_S - MARGIN_S, SERVER_LEEWAY_S + MARGIN_S
    expect("server", f"expired for {within} s: a new connection", ACCEPTED, await uses.connect(signed(-within)))
    await _row(uses, f"expired for {within} s", signed(-within), own, None, NOTHING, REFUSED)
    await _row(uses, f"expired for {beyond} s", signed(-beyond), own, "401", "401", "401")
    await _row(uses, "without expiry and without a live grant", signed(None), own, None, NOTHING, REFUSED)


@gate(
    "control/rotation",
    surfaces=["control"],
    checkers=[TokenMisuse(leeway_s=float(SERVER_LEEWAY_S)), ContractBroken()],
    floors={"mint": 3, "use_token": 8, "request": 24},
)
async def test_rotation(scene: Scenario) -> None:
    """C-09: the next key is published ahead of its use; in the window tokens of the old key and of the new one are
    accepted; a retired key's tokens are refused by a server that fetches the keys anew (it holds what it fetched for
    300 s; a restart makes it forget); a revoked session loses its rows and its writes on the open socket."""
    control = await scene.start_control()
    traffic = Traffic(scene.rng, scene.nonce)
    uses = Uses(scene, traffic)
    own, _ = await _stocked(scene, uses, traffic)
    expect = scene.record.expect
    old = await _writer(control, await control.sign_in(f"olga-{scene.nonce[:6]}", "device-1"), [own])
    ahead, old_kid = await _kids(control, old), str(old.header.get("kid"))
    expect("control", "the signing key is published", True, old_kid in ahead)
    expect("control", "another key is published beside it", True, len(ahead) >= 2)
    await _row(uses, "before rotation", Bearer(old.token, old), own, ACCEPTED, "rows", ACCEPTED)
    await control.rotate()
    new = await _writer(control, await control.sign_in(f"nora-{scene.nonce[:6]}", "device-2"), [own])
    new_kid = str(new.header.get("kid"))
    expect("control", "after rotation another key signs", True, new_kid != old_kid)
    expect("control", "and it was published before", True, new_kid in ahead)
    expect("control", "the old key is still published", True, old_kid in await _kids(control, new))
    await _row(uses, "in the window, of the old key", Bearer(old.token, old), own, ACCEPTED, "rows", ACCEPTED)
    await _row(uses, "in the window, of the new key", Bearer(new.token, new), own, ACCEPTED, "rows", ACCEPTED)
    await _revoked(scene, uses, control, own)
    await control.retire(old_kid)
    retired_at_s = time.time()
    left = await _kids(control, new)
    expect("control", "a retired key is published no more", False, old_kid in left)
    expect("control", "the signing key still is", True, new_kid in left)
    await until(time.monotonic_ns() + int(IDLE_S * 1e9))
    await scene.lab.server.kill()
    await scene.lab.server.start(scene.lab.witness_relay.url)
    await _row(uses, "anew, of the new key", Bearer(new.token, new), own, ACCEPTED, "rows", ACCEPTED)
    out = Bearer(old.token, old, revoked_at_s=retired_at_s)
    await _row(uses, "anew, of the retired key", out, own, "401", "401", "401")


async def _kids(control: ControlSurface, minted: Minted) -> list[str]:
    """Ids of the keys that anyone can fetch now."""
    issuer = str(minted.claims.get("iss"))
    discovery = await control.web.send("GET", "/.well-known/openid-configuration")
    uri = str(discovery.body.get("jwks_uri")) if isinstance(discovery.body, dict) else ""
    keys = await control.web.send("GET", uri.removeprefix(issuer) or "/")
    found = keys.body.get("keys") if isinstance(keys.body, dict) else None
    return [str(key.get("kid")) for key in found if isinstance(key, dict)] if isinstance(found, list) else []
