// What semgrep must find and must leave alone, in every invocation. Each line is judged by the comment above it.
// ruleid: legacy-socket-path
const SOCKET: &str = concat!("/sync/", "socket/websocket");
// ok: legacy-socket-path
const SOCKETS: &str = "/sync/socket/websockets";
// ruleid: legacy-token-route
const TOKEN: &str = concat!("/api/v1/", "spacetime/token");
// ok: legacy-token-route
fn tokens() -> String { call("/api/sync/token") /* not /api/v1/sync/token */ }
// ruleid: phoenix-frame
use crate::frames::phx_join as join;
// ok: phoenix-frame
use crate::frames::phx_joined as joined;
// ruleid: phoenix-frame-family
fn leave() { frames! { on phx_leave => drop() } }
// ok: phoenix-frame-family
fn leaves() { println!("phx_leaves") } // phx_leave
// ruleid: topic-poll-route
const TOPICS: &str = "/internal/v1/spacetime/topics";
// ok: topic-poll-route
const STREAMS: &str = "/internal/v1/streams";
// ruleid: fanout-route
const FANOUT: &str = "/internal/v1/khala/fanout";
// ok: fanout-route
const FAN: &str = "/internal/v1/fan";
// ruleid: in-memory-publisher
fn publisher() -> Publisher { SyncPublisher::in_memory() }
// ok: in-memory-publisher
fn cache() -> Cache { AnswerCache::in_memory() }
// ruleid: convex-naming
struct ConvexClient;
// ok: convex-naming
fn convex_hull(points: &[Point]) -> Vec<Point> { hull(points) }
// ruleid: alias-action-naming
fn post_api_spacetime_token() {}
// ok: alias-action-naming
fn post_api_sync_token() {}
// ruleid: legacy-lane-toggle
const TOGGLE: &str = "SYNC_LEGACY_SOCKET_ENABLED";
// ok: legacy-lane-toggle
const COLUMN: &str = "legacy_user_id";
// ruleid: phoenix-lane-toggle
fn lane(flags: &Flags) -> bool { flags.use_phoenix }
// ok: phoenix-lane-toggle
fn city() -> &'static str { "Phoenix" }
// ruleid: legacy-lane-choice
let transport = "legacy";
// ok: legacy-lane-choice
let transport = "nostr";
