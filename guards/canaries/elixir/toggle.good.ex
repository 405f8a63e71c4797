config :sync, transport: :nostr
