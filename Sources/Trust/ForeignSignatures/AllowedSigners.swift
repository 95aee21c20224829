import Attestation
public import Diagnostics
import StrictJSON
import Wire

/// Who may sign for whom: the file that `ssh-keygen -Y verify -f` reads (ssh-keygen(1), ALLOWED SIGNERS).
///
/// A malformed line makes the whole file malformed, because a reader that skips lines shows a smaller list than the
/// one that was written. A line with a sort of key that we do not verify stays, and matches no signature.
public struct AllowedSigners: Sendable {
  /// The largest file that is read.
  public static let sizeLimit = 1 << 20
  /// The largest number of entries.
  public static let entryLimit = 4096
  /// The largest number of patterns in one list.
  public static let patternLimit = 256

  static let source = "ssh-keygen(1), ALLOWED SIGNERS"

  /// One line.
  struct Entry: Sendable {
    var line: Int
    var principals: PatternList
    var namespaces: PatternList?
    var validAfter: Timestamp?
    var validBefore: Timestamp?
    var isAuthority = false
    /// nil for a sort of key that is not verified here; `sort` says which.
    var key: SSHPublicKey?
    var sort = ""
  }

  let entries: [Entry]

  /// Reads the file.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    guard bytes.count <= AllowedSigners.sizeLimit else {
      throw .malformed("signers.size", "the allowed signers have at most \(AllowedSigners.sizeLimit) bytes")
    }
    var entries: [Entry] = []
    for (index, line) in try TextLines.split(bytes, what: "the allowed signers").enumerated() {
      let text = line.drop { $0 == " " || $0 == "\t" }
      if text.isEmpty || text.hasPrefix("#") { continue }
      do throws(Problem) {
        var scanner = SignerLine(Array(text.utf8))
        entries.append(try scanner.entry(line: index + 1))
      } catch { throw error.at("line \(index + 1)") }
      guard entries.count <= AllowedSigners.entryLimit else {
        throw .malformed("signers.count", "there are more than \(AllowedSigners.entryLimit) allowed signers")
      }
    }
    self.entries = entries
  }

  // MARK: judging

  /// Whether some line allows `key` to sign for the demanded identity, purpose and time.
  func judge(_ key: SSHPublicKey, _ demand: SSHSignature.Demand) -> Check {
    let named = entries.filter { $0.principals.matches(demand.identity) }
    guard !named.isEmpty else {
      return refusal("sshsig.identity", "nobody is listed for “\(demand.identity)”", expected: demand.identity, key)
    }
    let own = named.filter { $0.key == key && !$0.isAuthority }
    guard !own.isEmpty else { return otherKey(named, key, demand) }
    let reasons = own.map { reason($0, demand) }
    if let index = reasons.firstIndex(where: { $0 == nil }) {
      return .passed(
        "signer", "line \(own[index].line) lists this key for “\(demand.identity)”", expected: demand.identity,
        found: key.fingerprint, source: AllowedSigners.source)
    }
    return reasons.compactMap(\.self).first
      ?? refusal("sshsig.key", "the key is not listed", expected: demand.identity, key)
  }

  private func otherKey(_ named: [Entry], _ key: SSHPublicKey, _ demand: SSHSignature.Demand) -> Check {
    if let authority = named.first(where: \.isAuthority) {
      return refusal(
        "sshsig.cert-authority",
        "line \(authority.line) trusts a certificate authority; certificates are not supported, and the key itself is not listed",
        expected: demand.identity, key)
    }
    let listed = named.map { $0.key?.fingerprint ?? "\($0.sort), not supported" }.prefix(8).joined(separator: ", ")
    return refusal("sshsig.key", "another key is listed for “\(demand.identity)”", expected: listed, key)
  }

  /// Why the line does not allow it, nil where it does.
  private func reason(_ entry: Entry, _ demand: SSHSignature.Demand) -> Check? {
    let place = "line \(entry.line)"
    if let namespaces = entry.namespaces, !namespaces.matches(demand.namespace) {
      return .failed(
        "signer", "sshsig.signer-namespace", "\(place) lists the key for other namespaces",
        expected: namespaces.text, found: demand.namespace, source: AllowedSigners.source)
    }
    if let after = entry.validAfter, demand.time < after {
      return .failed(
        "signer", "sshsig.not-yet-valid", "\(place): the key is not valid yet", expected: "from \(after)",
        found: "\(demand.time)", source: AllowedSigners.source, hint: "--as-of names the time of the judgement")
    }
    if let before = entry.validBefore, demand.time > before {
      return .failed(
        "signer", "sshsig.expired", "\(place): the key is not valid any more", expected: "until \(before)",
        found: "\(demand.time)", source: AllowedSigners.source, hint: "--as-of names the time of the judgement")
    }
    return nil
  }

  private func refusal(_ code: String, _ message: String, expected: String, _ key: SSHPublicKey) -> Check {
    .failed(
      "signer", code, message, expected: expected, found: key.fingerprint, source: AllowedSigners.source,
      hint: "the allowed signers say which key may sign for whom")
  }
}

/// Patterns separated by commas, with `*` and `?`, and `!` before one that must not match (ssh_config(5), PATTERNS).
struct PatternList: Sendable {
  let text: String
  private let patterns: [(isNegated: Bool, pattern: [UInt8])]

  init(_ text: String) throws(Problem) {
    self.text = text
    let parts = text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    guard parts.count <= AllowedSigners.patternLimit,
      parts.allSatisfy({ !$0.isEmpty && $0.elementsEqual([0x21]) == false })
    else {
      throw .malformed(
        "signers.patterns", "“\(text.prefix(80))” is no list of patterns", source: AllowedSigners.source)
    }
    patterns = parts.map { part in
      let isNegated = part.first == UInt8(ascii: "!")
      return (isNegated, Array(isNegated ? part.dropFirst() : part))
    }
  }

  /// Whether a pattern matches and none that is negated does; bytes are compared, case counts.
  func matches(_ value: String) -> Bool {
    let value = Array(value.utf8)
    var isMatched = false
    for (isNegated, pattern) in patterns where PatternList.matches(value, pattern) {
      if isNegated { return false }
      isMatched = true
    }
    return isMatched
  }

  private static func matches(_ value: [UInt8], _ pattern: [UInt8]) -> Bool {
    Glob.matches(
      pattern, value, isStar: { $0 == UInt8(ascii: "*") }, fits: { $0 == UInt8(ascii: "?") || $0 == $1 })
  }
}
