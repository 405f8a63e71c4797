import cache.InMemoryStore as Sink
