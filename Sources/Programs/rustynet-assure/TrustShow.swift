import ArgumentParser
import Attestation
import Cryptography
import Diagnostics
import LinuxKit
import Sigstore
import StrictJSON
import Wire
import X509

/// `rustynet-assure trust show`.
struct TrustShow: ParsableCommand {
  /// What is compiled in.
  enum Anchor: String, ExpressibleByArgument, CaseIterable {
    case sigstore
  }

  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show the public anchors that are compiled in, with their age.",
    discussion: """
      Whoever is not listed here is unknown to verify bundle; give a newer root with --trusted-root.

      Example: rustynet-assure trust show sigstore
      """)

  @Argument(help: "Which anchors: sigstore.") var anchor: Anchor
  @OptionGroup var trusted: TrustedRootOptions
  @OptionGroup var time: TimeOptions
  @OptionGroup var format: JSONOptions

  func run() throws {
    let root = try trusted.root()
    let now = try time.time()
    let instance = trusted.staging ? TrustedRoot.Instance.staging : .production
    let age = trusted.trustedRoot == nil ? try TrustShow.age(at: now) : nil
    let rows = TrustShow.rows(root)
    guard !format.json else {
      var object = JSONObject()
      object["anchor"] = .string(trusted.trustedRoot ?? "sigstore \(instance.rawValue)")
      object["digest"] = trusted.trustedRoot == nil ? .string(Digest(of: instance.bytes).description) : nil
      object["taken"] = age.map { _ in .string(TrustedRoot.Instance.taken) }
      object["ageDays"] = age.map { .integer($0) }
      object["members"] = .array(rows.map(\.json))
      return Console.print(JSON.object(object).printable)
    }
    if let age {
      Console.print(
        "sigstore \(instance.rawValue), taken \(TrustedRoot.Instance.taken), \(age) days old, "
          + "\(Digest(of: instance.bytes))")
    }
    for row in rows {
      Console.print(
        Printable.oneLine(
          "  \(row.kind)  \(row.name)  from \(row.from) to \(row.until?.description ?? "further notice")  \(row.key)"))
    }
  }

  private struct Row {
    var kind: String
    var name: String
    var from: Timestamp
    var until: Timestamp?
    var key: String

    var json: JSON {
      var object = JSONObject()
      object["kind"] = .string(kind)
      object["name"] = .string(name)
      object["validFrom"] = .string(from.description)
      object["validUntil"] = until.map { .string($0.description) }
      object["key"] = .string(key)
      return .object(object)
    }
  }

  private static func age(at now: Timestamp) throws(Problem) -> Int64 {
    let taken = try Timestamp("\(TrustedRoot.Instance.taken)T00:00:00Z")
    return (now.seconds - taken.seconds) / 86_400
  }

  private static func rows(_ root: TrustedRoot) -> [Row] {
    func logs(_ kind: String, _ logs: [TrustedRoot.Log]) -> [Row] {
      logs.map {
        Row(
          kind: kind, name: $0.name, from: $0.validFrom, until: $0.validUntil,
          key: $0.key.map { Digest(of: $0.der).description } ?? "a key of a kind that is not supported")
      }
    }
    func key(_ chain: [Certificate]) -> String {
      chain.first.map { Digest(of: $0.der).description } ?? "an authority without certificates: nothing of it verifies"
    }
    return logs("log", root.transparencyLogs) + logs("certificate-log", root.certificateLogs)
      + root.certificateAuthorities.map {
        Row(
          kind: "certificate-authority", name: "\($0.chain.count) certificates", from: $0.validFrom,
          until: $0.validUntil, key: key($0.chain))
      }
      + root.timestampAuthorities.map {
        Row(
          kind: "timestamp-authority", name: $0.uri ?? "without a name", from: $0.validFrom, until: $0.validUntil,
          key: key($0.chain))
      }
  }
}
