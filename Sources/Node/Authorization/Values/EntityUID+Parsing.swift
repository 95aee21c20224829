public import Diagnostics

extension EntityUID {
  /// Reads `Type::"id"`, or `Type::id` where the id is made of letters, digits and the signs `.`, `_`, `@` and `-`; with
  /// `type`, an id alone.
  ///
  /// - Throws: `request.entity`.
  public convenience init(parsing text: String, type: String? = nil) throws(Problem) {
    if text.contains("\"") {
      guard let uid = try? PolicyParser.entity(in: text) else { throw EntityUID.problem(text) }
      self.init(type: uid.type, id: uid.id)
      return
    }
    let parts = text.split(separator: "::", omittingEmptySubsequences: false)
    guard let id = parts.last, !id.isEmpty, id.utf8.allSatisfy(EntityUID.isPlain) else { throw EntityUID.problem(text) }
    let path = parts.dropLast().joined(separator: "::")
    guard let name = path.isEmpty && parts.count == 1 ? type : path, EntityReader.isPath(name) else {
      throw EntityUID.problem(text)
    }
    self.init(type: Text(name), id: Text(id))
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    Lexer.isWordByte(byte) || [UInt8(ascii: "."), UInt8(ascii: "@"), UInt8(ascii: "-")].contains(byte)
  }

  private static func problem(_ text: String) -> Problem {
    .usage(
      "request.entity", "“\(text)” names no entity", hint: "write Type::\"id\", such as Rustynet::Node::\"gateway\"")
  }
}
