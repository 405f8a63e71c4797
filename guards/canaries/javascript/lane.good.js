module.exports = { cache: Cache.inMemory() };
