enum Piece: String {
    case head = "phx_"
    case tail = "join"
}
let event = Piece.head.rawValue + Piece.tail.rawValue
