func fetchApiV1SyncToken() async throws -> Token { try await call() }
