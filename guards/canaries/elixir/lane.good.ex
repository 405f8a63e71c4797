config :sync, cache: Sync.InMemoryCache
