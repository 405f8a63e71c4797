let version = "v1"
let path = "/api/\(version)/spacetime/token"
