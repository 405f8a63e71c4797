class Tokens {
    Token getApiSyncToken() { return call(); }
}
