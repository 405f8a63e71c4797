const ROOT: &str = "/api";

fn path() -> String {
    format!("{ROOT}/{}", "sync/token") // was /api/v1/sync/token
}
