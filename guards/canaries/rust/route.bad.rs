const ROOT: &str = "/api";

fn path() -> String {
    format!("{ROOT}/{}/sync/token", "v1")
}
