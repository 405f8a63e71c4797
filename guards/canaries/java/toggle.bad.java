class Lanes {
    static final String KEY = "sync." + "legacy.transport" + ".enabled";
}
