cache = InMemoryCache.new
