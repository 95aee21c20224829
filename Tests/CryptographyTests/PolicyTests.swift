@testable import Cryptography
import Diagnostics
import Testing
import Wire

@Suite struct PolicyTests {
  typealias Use = AlgorithmPolicy.Use
  let expiry: Timestamp

  init() throws { expiry = try Timestamp("2026-11-22T16:05:00Z") }

  /// Every list, name by name (P1-9 and requirements "Algorithm policy").
  static let allowed: [(Use, String)] = AlgorithmPolicy.allowed.flatMap { use, names in names.map { (use, $0) } }

  @Test(arguments: allowed) func allows(use: Use, name: String) throws {
    try AlgorithmPolicy().require(name, for: use, at: expiry)
  }

  static let denied: [(Use, String)] = AlgorithmPolicy.denied.sorted().flatMap { name in
    Use.allCases.filter { !($0 == .identifierOnly && name == "sha1") }.map { ($0, name) }
  }

  @Test(arguments: denied) func denies(use: Use, name: String) {
    let error = #expect(throws: Problem.self) { try AlgorithmPolicy().require(name, for: use, at: expiry) }
    #expect(error?.code == "algorithm.denied")
    #expect(error?.kind.exitCode == .refused)
  }

  /// P1-10: what stands in no list is denied; so is a name in another spelling, and one that belongs to another use.
  @Test(arguments: [
    (Use.ownSigning, "falcon"), (.ownSigning, ""), (.ownSigning, "ED25519"), (.ownSigning, "ecdsa-p256-sha256"),
    (.tunnel, "xchacha20-poly1305"), (.foreignSignatures, "sha1"), (.atRest, "ed25519"),
  ]) func deniesWhatNoListHas(use: Use, name: String) {
    let error = #expect(throws: Problem.self) { try AlgorithmPolicy().require(name, for: use, at: expiry) }
    #expect(error?.code == "algorithm.denied")
  }

  @Test func everySignatureAlgorithmHasItsNameInThePolicy() throws {
    for algorithm in SignatureAlgorithm.allCases {
      try AlgorithmPolicy().require(algorithm.rawValue, for: .foreignSignatures, at: expiry)
    }
    for cipher in AuthenticatedCipher.allCases {
      try AlgorithmPolicy().require(cipher.rawValue, for: .ownSigning, at: expiry)
    }
  }

  // MARK: exceptions (P1-11)

  private func policy(_ name: String, _ use: Use = .foreignSignatures, owner: String = "security") throws
    -> AlgorithmPolicy
  {
    try AlgorithmPolicy(exceptions: [.init(algorithm: name, use: use, owner: owner, expires: expiry)])
  }

  @Test func anExceptionHoldsUntilItsLastSecond() throws {
    let policy = try policy("sha1")
    try policy.require("sha1", for: .foreignSignatures, at: expiry.adding(seconds: -1))
    try policy.require("sha1", for: .foreignSignatures, at: expiry)
    let error = #expect(throws: Problem.self) {
      try policy.require("sha1", for: .foreignSignatures, at: expiry.adding(seconds: 1))
    }
    #expect(error?.code == "algorithm.exception-expired")
  }

  @Test func anExceptionHoldsForItsUseAndNameAlone() throws {
    let policy = try policy("sha1")
    for (name, use) in [("sha1", Use.ownSigning), ("md5", .foreignSignatures)] {
      let error = #expect(throws: Problem.self) { try policy.require(name, for: use, at: expiry) }
      #expect(error?.code == "algorithm.denied")
    }
  }

  @Test func refusesNeedlessAndUnownedExceptions() throws {
    #expect(throws: Problem.malformed("algorithm.needless-exception", "")) { try policy("sha256") }
    #expect(throws: Problem.malformed("algorithm.exception", "")) { try policy("sha1", owner: "") }
    #expect(throws: Problem.malformed("algorithm.exception", "")) { try policy("falcon") }
    _ = try policy("md5")
  }

  // MARK: the lists themselves (P1-15)

  @Test func contradictoryListsMakeNoPolicy() throws {
    let denied = AlgorithmPolicy.denied
    try AlgorithmPolicy.check(AlgorithmPolicy.allowed, against: denied)
    for change: (inout [Use: [String]]) -> Void in [
      { $0[.tunnel] = nil }, { $0[.tunnel] = [] }, { $0[.atRest, default: []].append("sha256") },
      { $0[.ownSigning, default: []].append("md5") },
    ] {
      var lists = AlgorithmPolicy.allowed
      change(&lists)
      #expect(throws: Problem.malformed("algorithm.policy", "")) { try AlgorithmPolicy.check(lists, against: denied) }
    }
  }
}
