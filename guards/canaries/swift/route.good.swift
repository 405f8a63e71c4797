let leaf = "token"
let path = "/api/sync/\(leaf)"
