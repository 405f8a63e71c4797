enum Piece: String {
    case head = "phx_"
    case tail = "joined"
}
let event = Piece.head.rawValue + Piece.tail.rawValue
