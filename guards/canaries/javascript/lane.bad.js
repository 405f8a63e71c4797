module.exports = { publisher: Publisher.inMemory() };
