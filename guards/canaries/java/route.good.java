class Paths {
    static final String PATH = String.format("/api/%s/token", "sync");
}
