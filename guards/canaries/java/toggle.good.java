class Lanes {
    static final String KEY = "legacy" + ".user.id";
}
