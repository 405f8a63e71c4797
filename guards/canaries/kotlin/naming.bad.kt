fun createApiSpacetimeToken(body: Body) = call(body)
