"""The control service: one route that issues tokens which the real server accepts, and nothing else."""

from __future__ import annotations

import time

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from gates.sabotage import answered_route
from gates.seeds import CLAIMS, CONTROL_RETIRED, MAX_TOKEN_LIFETIME_S, retired_routes
from gates.test_runtime import probe_retired
from harness.canonical import Json
from harness.checkers.contract import ContractBroken
from harness.checkers.legacy import LegacyLane
from harness.checkers.tokens import TokenMisuse
from harness.gate import gate
from harness.history import TokenUse
from harness.scenario import Scenario
from harness.surfaces.control import ControlSurface, Minted, Session
from harness.template import fill, fill_text
from harness.wire.client import Refused, Subscription
from harness.wire.messages import SubscribeMultiApplied, subscribe_multi
from harness.workload.routes import METHODS, spellings
from harness.workload.traffic import Traffic

# What SpacetimeDB 1.2.0 takes: its own key is ES256, of an issuer's it reads RSA and EC ones.
SERVER_ALGORITHMS = ("ES256", "ES384", "RS256", "RS384", "RS512")
CLOCK_SLACK_S = 5  # control runs on our own clock; what is left is rounding and a slow answer


@gate(
    "control/token-contract",
    surfaces=["control"],
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
    for name, value in control.config.token.values.items():
        wanted = fill(value, control.mint_variables(session, streams))
        control.expect(f"the claim {name} says what was asked for", wanted, minted.claims.get(name))
    await _signed(scene, control, minted)
    again = await control.mint(session, streams)
    control.expect("a second token of the session is another token", True, again.token != minted.token)
    control.expect("a second token of the session has the same identity", minted.identity, again.identity)
    shorter = await control.mint(session, streams, ttl_s=control.config.token.ttl_s // 2)
    lifetime = (shorter.expires_at_s or 0) - (shorter.issued_at_s or 0)
    control.expect("a shorter lifetime is given when it is asked for", control.config.token.ttl_s // 2, int(lifetime))
    bob = await control.sign_in(f"bob-{scene.nonce[:6]}", "device-2")
    other = await control.mint(bob, streams)
    control.expect("another user has another identity", True, other.identity != minted.identity)
    ids = [token.claims.get("jti") for token in (minted, again, shorter, other) if "jti" in token.claims]
    control.expect("every token has an id of its own", len(ids), len({str(one) for one in ids}))
    accepted = await _accepted(scene, control, minted)
    if accepted and scene.config.module.reads == "granted":
        await _scoped(scene, control, minted, streams)
    await _refused_tokens(scene, control, minted)
    await _refused_requests(control, session, streams)


def _claims(scene: Scenario, control: ControlSurface, minted: Minted) -> None:
    contract, claims = control.config.token, minted.claims
    algorithm = minted.header.get("alg")
    of_those = algorithm if algorithm in SERVER_ALGORITHMS else f"one of {', '.join(SERVER_ALGORITHMS)}"
    control.expect("the token is signed by an algorithm that the server verifies", of_those, algorithm)
    for name in dict.fromkeys((*CLAIMS, *contract.claims)):
        control.expect(f"the token has the claim {name}", True, claims.get(name) is not None)
    control.expect("iss is the issuer", fill_text(contract.issuer, scene.variables()), claims.get("iss"))
    if contract.audience:
        control.expect("aud is the audience", contract.audience, claims.get("aud"))
    lifetime = (minted.expires_at_s or 0) - (minted.issued_at_s or 0)
    control.expect("the lifetime is what was asked for", contract.ttl_s, int(lifetime))
    longest = min(contract.max_ttl_s, MAX_TOKEN_LIFETIME_S)
    control.expect(f"the lifetime is at most {longest} s", True, 0 < lifetime <= longest)
    control.expect("iat is now", True, abs((minted.issued_at_s or 0) - time.time()) <= CLOCK_SLACK_S)
    said = minted.reply.captured
    if "expires_in" in said:
        control.expect("expires_in says the lifetime", int(lifetime), said["expires_in"])
    if "refresh_after_in" in said:
        control.expect("a refresh is due before the end", True, 0 < int(str(said["refresh_after_in"])) < lifetime)
    if "identity" in said:
        control.expect("the identity told is the one that iss and sub give", minted.identity, said["identity"])


async def _signed(scene: Scenario, control: ControlSurface, minted: Minted) -> None:
    """Our own verification, with the key by which the server verifies."""
    if control.config.token.key == "server":
        keys: ECKey | KeySet = ECKey.import_key(scene.lab.keys.public_pem)
    else:
        keys = await _published_keys(control, minted)
    try:
        jwt.decode(minted.token, keys, algorithms=list(SERVER_ALGORITHMS))
        verified = "verifies"
    except (JoseError, ValueError, TypeError, KeyError) as error:
        verified = f"{type(error).__name__}: {error}"
    control.expect(f"the token verifies with the {control.config.token.key} key", "verifies", verified)


async def _published_keys(control: ControlSurface, minted: Minted) -> KeySet:
    """With what anyone can fetch: discovery, then the key set."""
    discovery = await control.web.send("GET", "/.well-known/openid-configuration")
    control.expect("discovery answers", 200, discovery.status, discovery)
    body = discovery.body if isinstance(discovery.body, dict) else {}
    control.expect("discovery names the issuer", minted.claims.get("iss"), body.get("issuer"))
    uri = str(body.get("jwks_uri"))
    issuer = str(minted.claims.get("iss"))
    control.expect("the key set is at the issuer", True, uri.startswith(issuer))
    keys = await control.web.send("GET", uri.removeprefix(issuer) or "/")
    members = {name for key in _key_list(keys.body) for name in key}
    control.expect("the key set holds no private part", [], sorted(members & {"d", "p", "q", "dp", "dq", "qi", "k"}))
    try:
        return KeySet.import_key_set(keys.body)  # type: ignore[arg-type]
    except (JoseError, ValueError, TypeError, KeyError):
        return KeySet([])


def _key_list(body: Json) -> list[dict[str, Json]]:
    keys = body.get("keys") if isinstance(body, dict) else None
    return [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []


async def _scoped(scene: Scenario, control: ControlSurface, minted: Minted, streams: list[str]) -> None:
    """With its token a session sees the rows of its streams, and none of another."""
    appender, events = scene.appender(), scene.config.module.tables.events
    traffic = Traffic(scene.rng, scene.nonce)
    foreign = f"{streams[0]}.foreign"
    for stream in (streams[0], foreign):
        await appender.append(traffic.event(stream))
    async with await Subscription.open(scene.lab.witness_relay.url, scene.lab.database, minted.token) as socket:
        scene.own_sockets += 1
        await socket.send(subscribe_multi((f"SELECT * FROM {events.name}",), request_id=1, query_id=1))
        applied = await socket.receive()
    tables = applied.update.tables if isinstance(applied, SubscribeMultiApplied) else ()
    texts = [text for table in tables for query in table.updates for text in query.inserts]
    seen = {scene.schema.table(events.name).row(text)[events.stream] for text in texts}
    control.expect("the token shows its own stream and no other", [streams[0]], sorted(map(str, seen)))


async def _accepted(scene: Scenario, control: ControlSurface, minted: Minted) -> bool:
    """The positive control: a real connection with the real token, known by the expected identity."""
    clause, said = "the server accepts a token that control just minted", "accepted"
    begun = scene.record.op("gate", "use_token", "invoke", identity=minted.identity, data=minted.use("connect"))
    try:
        async with await Subscription.open(scene.lab.witness_relay.url, scene.lab.database, minted.token) as socket:
            scene.own_sockets += 1
            scene.record.op("gate", "use_token", "ok", op=begun.index, identity=socket.identity)
    except Refused as error:
        scene.record.op("gate", "use_token", "fail", op=begun.index, status=error.status, error=str(error))
        said = f"refused: {error}"
    return control.expect(clause, "accepted", said)


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
    surfaces=["control"],
    checkers=[LegacyLane(), ContractBroken()],
    floors={"route": 100, "request": 5},
    sabotages=[answered_route("control")],
)
async def test_retired_routes(scene: Scenario) -> None:
    """S-03, A-04: one canonical token route; every alias is gone, in every method and spelling."""
    control = await scene.start_control()
    canonical = control.config.mint.path
    retired = retired_routes(control.retired, CONTROL_RETIRED, canonical)
    aliases = [*(route.path for route in retired), *spellings(canonical)[1:], f"/{canonical}"]
    aliases = [path for path in aliases if "?" not in path and "/./" not in path]
    await probe_retired(control, retired, tuple((method, path) for path in aliases for method in METHODS))
    for method in METHODS:
        if method != control.config.mint.method:
            reply = await control.web.send(method, canonical)
            control.expect(f"{method} on the canonical route gives no token", True, reply.status >= 400, reply)
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
