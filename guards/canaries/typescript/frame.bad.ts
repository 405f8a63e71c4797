enum Piece { Head = "phx", Tail = "reply" }
export const answer = [Piece.Head, Piece.Tail].join("_");
