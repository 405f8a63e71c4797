fn is_on(env: &Env) -> bool {
    env.flag(&["sync", "legacy", "socket", "enabled"].join("_"))
}
