let publisher = InMemoryPublisher()
