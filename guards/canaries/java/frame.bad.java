class Frames {
    String reply = new StringBuilder("phx").append('_').append("reply").toString();
}
