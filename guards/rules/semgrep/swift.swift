// What semgrep must find and must leave alone, in every invocation. Each line is judged by the comment above it.
let head = "phx_"
let version = "v1"
// ruleid: legacy-socket-path
let socket = "/sync/" + "socket/websocket"
// ok: legacy-socket-path
let sockets = "/sync/" + "socket/websockets"
// ruleid: legacy-token-route
let token = "/api/\(version)/sync/token"
// ok: legacy-token-route
let tokens = "/api" + "/sync/token" /* not /api/v1/sync/token */
// ruleid: phoenix-frame
let join = "\(head)join"
// ok: phoenix-frame
let joined = "\(head)joined" // phx_join
// ruleid: phoenix-frame-family
typealias Leave = Frames.phx_leave
// ok: phoenix-frame-family
typealias Leaves = Frames.phx_leaves
// ruleid: topic-poll-route
let topics = "/internal/v1/" + "spacetime/topics"
// ok: topic-poll-route
let streams = "/internal/v1/streams"
// ruleid: fanout-route
let fanout = "/internal/v1/khala/" + "fanout"
// ok: fanout-route
let fan = "/internal/v1/fan"
// ruleid: in-memory-publisher
let publisher = InMemoryPublisher()
// ok: in-memory-publisher
let store = InMemoryStore()
// ruleid: convex-naming
let client = ConvexClient(url: url)
// ok: convex-naming
let hull = convexHull(points)
// ruleid: alias-action-naming
func fetchApiV1SyncToken() async throws -> Token { try await call() }
// ok: alias-action-naming
func fetchApiSyncToken() async throws -> Token { try await call() }
// ruleid: legacy-lane-toggle
let toggle = defaults.bool(forKey: "sync.legacy." + "transport.enabled")
// ok: legacy-lane-toggle
let column = defaults.integer(forKey: "legacy_user_id")
// ruleid: phoenix-lane-toggle
let lane = flags.usePhoenix
// ok: phoenix-lane-toggle
let city = "Phoenix"
// ruleid: legacy-lane-choice
let transport = "legacy"
// ok: legacy-lane-choice
let transports = "nostr"
