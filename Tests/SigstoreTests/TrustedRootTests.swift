import Diagnostics
import LinuxKit
import Sigstore
import StrictJSON
import Testing
import Wire
import X509

@Suite struct TrustedRootTests {
  @Test(arguments: TrustedRoot.Instance.allCases)
  func theCompiledRootIsTheOneInTheRepository(instance: TrustedRoot.Instance) throws {
    let path = "attestations/trust/sigstore/\(instance.rawValue).trusted_root.json"
    #expect(try FileSystem.read(path, limit: 1 << 20) == instance.bytes, "run scripts/trust-anchors")
    let root = try instance.root()
    #expect(root.transparencyLogs.count >= 2)
    for one in root.certificateAuthorities { #expect(throws: Never.self) { try one.authority() } }
    for one in root.timestampAuthorities { #expect(throws: Never.self) { try one.authority() } }
    #expect(root.transparencyLogs.allSatisfy { $0.key != nil })
  }

  /// Trust without a beginning, over another hash, or without a chain is no trust.
  @Test(arguments: [
    ("/tlogs/0/publicKey/validFor/start", "json.missing-field"),
    ("/ctlogs/0/publicKey/validFor/start", "json.missing-field"),
    ("/certificateAuthorities/0/validFor/start", "json.missing-field"),
    ("/timestampAuthorities/0/certChain/certificates", "json.missing-field"),
    ("/tlogs/0/hashAlgorithm", "json.missing-field"),
    ("/mediaType", "json.missing-field"), ("/tlogs/0/logId/keyId", "json.missing-field"),
  ])
  func everyMemberIsNeeded(pointer: String, code: String) throws {
    let whole = try JSON(parsing: TrustedRoot.Instance.production.bytes)
    #expect(throws: Never.self) { try TrustedRoot(parsing: whole.canonical) }
    let cut = whole.removing(pointer.split(separator: "/").map(String.init)[...])
    #expect(throws: Problem.malformed(code, "")) { try TrustedRoot(parsing: cut.canonical) }
  }
}

extension JSON {
  /// The document without the member at `path`.
  func removing(_ path: ArraySlice<String>) -> JSON {
    guard let first = path.first else { return self }
    switch self {
    case .object(var object):
      object[first] = path.count == 1 ? nil : object[first].map { $0.removing(path.dropFirst()) }
      return .object(object)
    case .array(var elements):
      guard let index = Int(first), elements.indices.contains(index) else { return self }
      elements[index] = elements[index].removing(path.dropFirst())
      return .array(elements)
    default: return self
    }
  }
}
