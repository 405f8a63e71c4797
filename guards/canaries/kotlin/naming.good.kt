fun createApiSyncToken(body: Body) = call(body)
