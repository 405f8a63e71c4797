publisher = InMemoryPublisher.new
