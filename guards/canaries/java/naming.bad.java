class Tokens {
    Token getApiV1SpacetimeToken() { return call(); }
}
