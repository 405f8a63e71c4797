class Frames {
    String reply = new StringBuilder("phx").append('_').append("replay").toString();
}
