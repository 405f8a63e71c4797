const JOINED: &str = concat!("phx_", "joined");
