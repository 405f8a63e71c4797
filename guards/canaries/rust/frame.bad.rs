const JOIN: &str = concat!("phx_", "join");
