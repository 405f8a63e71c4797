let store = InMemoryStore()  // an InMemoryPublisher is for tests
