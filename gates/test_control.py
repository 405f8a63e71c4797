"""The control service: one route that issues tokens which the real server accepts, and nothing else."""

from __future__ import annotations

import time

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gates.sabotage import answered_route
from gates.test_runtime import probe_retired
from harness.checkers.contract import ContractBroken
from harness.checkers.legacy import LegacyLane
from harness.checkers.tokens import TokenMisuse
from harness.errors import SubjectError
from harness.gate import gate
from harness.history import TokenUse
from harness.scenario import Scenario
from harness.surfaces.control import ControlSurface, Minted, Session
from harness.template import fill, fill_text
from harness.wire.client import Refused, Subscription
from harness.workload.routes import METHODS, spellings

CLOCK_SLACK_S = 5  # control runs on our own clock; what is left is rounding and a slow answer


@gate(
    "control/token-contract",
    checkers=[ContractBroken(), TokenMisuse()],
    floors={"request": 15, "mint": 2, "use_token": 1},
)
async def test_token_contract(scene: Scenario) -> None:
    """S-03, C-09: tokens are short-lived, scoped, signed by a published key, and accepted by the real server."""
    control = await scene.start_control()
    streams = scene.streams(2)
    session = await control.sign_in(f"alice-{scene.nonce[:6]}", "device-1")
    minted = await control.mint(session, streams)
    _claims(scene, control, minted)
    await _published_key(scene, control, minted)
    again = await control.mint(session, streams)
    control.expect("a second token of the session is another token", True, again.token != minted.token)
    control.expect("a second token of the session has the same identity", minted.identity, again.identity)
    await _accepted(scene, minted)
    await _refused_tokens(scene, control, minted)
    await _refused_requests(control, session, streams)


def _claims(scene: Scenario, control: ControlSurface, minted: Minted) -> None:
    contract, claims = control.config.token, minted.claims
    control.expect("the token is signed with ES256", "ES256", minted.header.get("alg"))
    for name in contract.claims:
        control.expect(f"the token has the claim {name}", True, claims.get(name) is not None)
    control.expect("iss is the issuer", fill_text(contract.issuer, scene.variables()), claims.get("iss"))
    if contract.audience:
        control.expect("aud is the audience", contract.audience, claims.get("aud"))
    lifetime = (minted.expires_at_s or 0) - (minted.issued_at_s or 0)
    control.expect("the lifetime is what was asked for", contract.ttl_s, int(lifetime))
    control.expect(f"the lifetime is at most {contract.max_ttl_s} s", True, 0 < lifetime <= contract.max_ttl_s)
    control.expect("iat is now", True, abs((minted.issued_at_s or 0) - time.time()) <= CLOCK_SLACK_S)
    said = minted.reply.captured
    if "expires_in" in said:
        control.expect("expires_in says the lifetime", int(lifetime), said["expires_in"])
    if "refresh_after_in" in said:
        control.expect("a refresh is due before the end", True, 0 < int(str(said["refresh_after_in"])) < lifetime)
    if "identity" in said:
        control.expect("the identity told is the one that iss and sub give", minted.identity, said["identity"])


async def _published_key(scene: Scenario, control: ControlSurface, minted: Minted) -> None:
    """Our own verification, with what anyone can fetch: discovery, then the key set."""
    discovery = await control.web.send("GET", "/.well-known/openid-configuration")
    control.expect("discovery answers", 200, discovery.status, discovery)
    body = discovery.body if isinstance(discovery.body, dict) else {}
    control.expect("discovery names the issuer", minted.claims.get("iss"), body.get("issuer"))
    uri = str(body.get("jwks_uri"))
    issuer = str(minted.claims.get("iss"))
    control.expect("the key set is at the issuer", True, uri.startswith(issuer))
    keys = await control.web.send("GET", uri.removeprefix(issuer) or "/")
    try:
        jwt.decode(minted.token, KeySet.import_key_set(keys.body), algorithms=["ES256"])  # type: ignore[arg-type]
        verified = "verifies"
    except (JoseError, ValueError, TypeError, KeyError) as error:
        verified = f"{type(error).__name__}: {error}"
    control.expect("the token verifies with a published key", "verifies", verified)


async def _accepted(scene: Scenario, minted: Minted) -> None:
    """The positive control: a real connection with the real token, known by the expected identity."""
    begun = scene.record.op("gate", "use_token", "invoke", identity=minted.identity, data=minted.use("connect"))
    try:
        async with await Subscription.open(scene.lab.witness_relay.url, scene.lab.database, minted.token) as socket:
            scene.own_sockets += 1
            scene.record.op("gate", "use_token", "ok", op=begun.index, identity=socket.identity)
    except Refused as error:
        scene.record.op("gate", "use_token", "fail", op=begun.index, status=error.status, error=str(error))
        raise SubjectError(f"the server refuses a token that control just minted: {error}") from error


async def _refused_tokens(scene: Scenario, control: ControlSurface, minted: Minted) -> None:
    """The attack: tokens that control did not mint like this must not open a socket."""
    head, claims, signature = minted.token.split(".")
    flipped = signature[:-2] + ("AA" if signature[-2:] != "AA" else "BB")
    forged = {
        "with a changed signature": f"{head}.{claims}.{flipped}",
        "without a signature": f"{head}.{claims}.",
        "cut short": minted.token[: len(minted.token) // 2],
    }
    for what, token in forged.items():
        scene.record.redactor.add(token)
        use = TokenUse(minted.fingerprint, "connect", time.time(), minted.issued_at_s, minted.expires_at_s, forged=True)
        begun = scene.record.op("gate", "use_token", "invoke", identity=minted.identity, data=use)
        try:
            async with await Subscription.open(scene.lab.witness_relay.url, scene.lab.database, token) as socket:
                scene.own_sockets += 1
                scene.record.op("gate", "use_token", "ok", op=begun.index, identity=socket.identity)
                control.expect(f"the server refuses a token {what}", 401, "accepted")
        except Refused as error:
            scene.record.op("gate", "use_token", "fail", op=begun.index, status=error.status, error=str(error))
            control.expect(f"the server refuses a token {what}", 401, error.status)


async def _refused_requests(control: ControlSurface, session: Session, streams: list[str]) -> None:
    """Requests that must get no token: without a session, with a made-up one, out of bounds."""
    step = control.config.mint
    variables, bearer = control.mint_variables(session, streams), session.bearer
    for what, wrong in (("a made-up bearer", "not-" + bearer[::-1]), ("a bearer cut short", bearer[:-4])):
        reply = await control.web.perform(step, {**variables, "bearer": wrong})
        control.expect(f"{what} gets 401", 401, reply.status, reply)
    headerless = await control.web.send(step.method, step.path, body={"scopes": [], "streams": list(streams)})
    control.expect("no bearer gets 401", 401, headerless.status, headerless)
    for body in control.config.token.refused_bodies:
        asked = step.model_copy(update={"body": body})
        reply = await control.web.perform(asked, variables)
        control.expect(f"refused: {body}", True, 400 <= reply.status < 500 and "token" not in reply.captured, reply)


@gate(
    "control/retired-routes",
    checkers=[LegacyLane()],
    floors={"route": 100},
    sabotages=[answered_route("control")],
)
async def test_retired_routes(scene: Scenario) -> None:
    """S-03, A-04: one canonical token route; every alias is gone, in every method and spelling."""
    control = await scene.start_control()
    canonical = control.config.mint.path
    aliases = [*(route.path for route in control.retired), *spellings(canonical)[1:-2], f"/{canonical}"]
    await probe_retired(control, tuple((method, path) for path in aliases for method in METHODS))
    await _with_a_session(scene, control, canonical, aliases)


async def _with_a_session(scene: Scenario, control: ControlSurface, canonical: str, aliases: list[str]) -> None:
    """The same with what the canonical route answers to: a real bearer and a good request. An alias that hides
    behind its authentication is an alias all the same."""
    session = await control.sign_in(f"alice-{scene.nonce[:6]}", "device-1")
    variables = control.mint_variables(session, scene.streams(1))
    step = control.config.mint
    headers = {name: fill_text(value, variables) for name, value in step.headers.items()}
    body = fill(step.body, variables)
    await control.probe(step.method, canonical, retired=False, body=body, headers=headers)
    for path in aliases:
        await control.probe(step.method, path, retired=True, body=body, headers=headers)
    await control.probe(step.method, canonical, retired=False, body=body, headers=headers)
