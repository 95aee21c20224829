/// A token of a policy or a schema.
struct Token {
  enum Kind: Equatable {
    /// A word, keywords included; which words are reserved depends on the place.
    case word(String)
    /// Decimal digits.
    case number(String)
    /// What stands between quotation marks, escapes and all.
    case string([UInt8])
    /// An operator or a mark of punctuation.
    case symbol(String)
    case end
  }

  let kind: Kind
  let position: SourcePosition

  /// The token as a message names it.
  var description: String {
    switch kind {
    case .word(let text), .number(let text), .symbol(let text): "“\(text)”"
    case .string: "a string"
    case .end: "the end of the text"
    }
  }
}
