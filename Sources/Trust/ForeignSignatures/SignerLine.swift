import Diagnostics
import Wire

/// Reads one line of the allowed signers: `PRINCIPALS [OPTIONS] SORT BASE64 [COMMENT]`.
struct SignerLine {
  private var rest: ArraySlice<UInt8>

  init(_ text: [UInt8]) { rest = text[...] }

  mutating func entry(line: Int) throws(Problem) -> AllowedSigners.Entry {
    var entry = AllowedSigners.Entry(line: line, principals: try PatternList(try principals()))
    var word = try word()
    if !SignerLine.isSort(word) {
      try SignerLine.options(word, into: &entry)
      word = try self.word()
    }
    guard SignerLine.isSort(word) else {
      throw malformed("signers.sort", "“\(word.prefix(80))” stands where the sort of a key is expected")
    }
    entry.sort = word
    let blob = try Base64.decode(try self.word())
    // What the sort says in the line must be what the key says.
    guard blob.starts(with: SSHWriter.string(word)) else {
      throw malformed("signers.key", "the key is not of the sort \(word) that the line says")
    }
    do throws(Problem) { entry.key = try SSHPublicKey(parsing: blob) } catch {
      // A sort that we do not verify is somebody else's; a weak or damaged key of a sort that we do is an error.
      guard SSHPublicKey.Kind(rawValue: word) == nil else { throw error }
    }
    return entry
  }

  private static func isSort(_ word: String) -> Bool {
    SSHPublicKey.Kind(rawValue: word) != nil
      || ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"].contains { word.hasPrefix($0) }
  }

  // MARK: words

  /// The principals: up to white space, or in quotation marks.
  private mutating func principals() throws(Problem) -> String {
    guard rest.first == UInt8(ascii: "\"") else { return try word() }
    rest = rest.dropFirst()
    guard let end = rest.firstIndex(of: UInt8(ascii: "\"")) else {
      throw malformed("signers.quote", "a quotation mark is not closed")
    }
    let text = String(decoding: rest[..<end], as: UTF8.self)
    rest = rest[(end + 1)...]
    return text
  }

  /// The next word; white space inside quotation marks belongs to it.
  private mutating func word() throws(Problem) -> String {
    rest = rest.drop { $0 == 0x20 || $0 == 0x09 }
    var isQuoted = false
    var end = rest.startIndex
    while end < rest.endIndex, isQuoted || (rest[end] != 0x20 && rest[end] != 0x09) {
      if rest[end] == UInt8(ascii: "\"") { isQuoted.toggle() }
      end += 1
    }
    guard end > rest.startIndex, !isQuoted else {
      throw malformed("signers.line", "the line ends too early, or a quotation mark is not closed")
    }
    defer { rest = rest[end...] }
    return String(decoding: rest[..<end], as: UTF8.self)
  }

  // MARK: options

  private static func options(_ text: String, into entry: inout AllowedSigners.Entry) throws(Problem) {
    var seen: Set<String> = []
    for option in split(text) {
      let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      // OpenSSH compares the names without regard to case.
      let name = parts[0].lowercased()
      guard seen.insert(name).inserted else {
        throw malformed("signers.option-twice", "the option “\(name)” stands twice")
      }
      switch (name, parts.count == 2 ? try unquoted(String(parts[1])) : nil) {
      case ("cert-authority", nil): entry.isAuthority = true
      case ("namespaces", let value?): entry.namespaces = try PatternList(value)
      case ("valid-after", let value?): entry.validAfter = try time(value)
      case ("valid-before", let value?): entry.validBefore = try time(value)
      default: throw malformed("signers.option", "“\(option.prefix(80))” is no option of an allowed signer")
      }
    }
    if let after = entry.validAfter, let before = entry.validBefore, after >= before {
      throw malformed("signers.validity", "valid-after is not before valid-before")
    }
  }

  /// At commas outside quotation marks.
  private static func split(_ text: String) -> [String] {
    var parts: [String] = [""]
    var isQuoted = false
    for scalar in text.unicodeScalars {
      if scalar == "\"" { isQuoted.toggle() }
      if scalar == ",", !isQuoted { parts.append("") } else { parts[parts.count - 1].unicodeScalars.append(scalar) }
    }
    return parts
  }

  private static func unquoted(_ text: String) throws(Problem) -> String {
    guard text.utf8.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") else {
      throw malformed("signers.quote", "the value “\(text.prefix(80))” does not stand in quotation marks")
    }
    let value = String(text.dropFirst().dropLast())
    guard !value.contains("\"") else { throw malformed("signers.quote", "a value holds a quotation mark") }
    return value
  }

  /// `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, each with `Z`.
  ///
  /// Without it OpenSSH takes the time of the machine's own zone; the same file would mean two things on two machines.
  private static func time(_ text: String) throws(Problem) -> Timestamp {
    let digits = text.utf8.dropLast()
    guard text.hasSuffix("Z"), [8, 12, 14].contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) })
    else {
      throw .malformed(
        "signers.time", "“\(text.prefix(80))” is no time in UTC", source: AllowedSigners.source,
        hint: "write YYYYMMDDZ or YYYYMMDDHHMMSSZ: without Z it would depend on the machine's time zone")
    }
    let field = Array(String(text.dropLast())) + Array(repeating: "0", count: 14 - digits.count)
    func part(_ range: Range<Int>) -> String { String(field[range]) }
    return try Timestamp(
      "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(8..<10)):\(part(10..<12)):\(part(12..<14))Z")
  }

  private static func malformed(_ code: String, _ message: String) -> Problem {
    .malformed(code, message, source: AllowedSigners.source)
  }

  private func malformed(_ code: String, _ message: String) -> Problem { SignerLine.malformed(code, message) }
}
