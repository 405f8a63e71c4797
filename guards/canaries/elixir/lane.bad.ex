config :sync, publisher: Sync.InMemoryPublisher
