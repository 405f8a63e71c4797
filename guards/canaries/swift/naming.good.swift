func fetchApiSyncToken() async throws -> Token { try await call() }
