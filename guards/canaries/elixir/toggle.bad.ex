config :sync, phoenix_fallback: true
