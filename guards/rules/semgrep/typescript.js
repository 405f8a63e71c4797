// What semgrep must find and must leave alone, in every invocation. Each line is judged by the comment above it.
const head = "phx_", base = "/api/v1", legacy = "legacy_socket";
// ruleid: legacy-socket-path
export const socket = "wss://host/sync/" + 'socket/websocket';
// ok: legacy-socket-path
export const sockets = "/sync/" + "socket/websockets";
// ruleid: legacy-token-route
export const token = `${base}/sync/token`;
// ok: legacy-token-route
export const tokens = "/api" + "/sync/token"; /* not /api/v1/sync/token */
// ruleid: phoenix-frame
export const join = head + "join";
// ok: phoenix-frame
export const joined = head + "joined"; // phx_join
// ruleid: phoenix-frame-family
import { phx_leave as leave } from "./frames";
// ok: phoenix-frame-family
import { phx_leaves as leaves } from "./frames";
// ruleid: topic-poll-route
export const topics = "/internal/v1/" + "spacetime/topics";
// ok: topic-poll-route
export const streams = "/internal/v1/" + "streams";
// ruleid: fanout-route
export const fanout = `/internal/v1/khala/${"fanout"}`;
// ok: fanout-route
export const fan = "/internal/v1/fan";
// ruleid: in-memory-publisher
export const publisher = new InMemoryPublisher();
// ok: in-memory-publisher
export const cache = new InMemoryCache();
// ruleid: convex-naming
import { ConvexProvider as Provider } from "./providers";
// ok: convex-naming
export const hull = convexHull(points);
// ruleid: alias-action-naming
export const mint = (body) => actions.postApiV1SyncToken(body);
// ok: alias-action-naming
export const mints = (body) => actions.postApiSyncToken(body);
// ruleid: legacy-lane-toggle
export const toggle = flags.isOn("use_" + legacy);
// ok: legacy-lane-toggle
export const column = "legacy_user_id";
// ruleid: phoenix-lane-toggle
export const lane = process.env["PHOENIX_" + "FALLBACK"];
// ok: phoenix-lane-toggle
export const city = "Phoenix";
// ruleid: legacy-lane-choice
export const choice = { transport: "legacy" };
// ok: legacy-lane-choice
export const right = { transport: "nostr" };
