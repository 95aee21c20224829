import Testing

@testable import Cryptography

/// Short messages are hashed by libsodium, longer ones by libcrypto; nobody may see a difference.
@Suite struct HashFunctionTests {
  private static let lengths = [0, 1, 55, 56, 63, 64, 111, 112, 127, 128, 2047, 2048, 2049, 5000]

  private func digest(
    _ message: [UInt8], _ algorithm: HashAlgorithm, shortLimit: Int, pieces: Int
  ) -> Digest {
    var hash = HashFunction(algorithm, shortLimit: shortLimit)
    for start in stride(from: 0, to: message.count, by: pieces) {
      hash.update(Array(message[start..<min(start + pieces, message.count)]))
    }
    return hash.finish()
  }

  @Test(arguments: HashAlgorithm.allCases, lengths)
  func agreesOnBothSidesOfTheLimit(algorithm: HashAlgorithm, length: Int) {
    let message = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 7 + 3) }
    let expected = digest(message, algorithm, shortLimit: -1, pieces: 5000)
    #expect(Digest(of: message, algorithm) == expected)
    for pieces in [1, 64, 2047, 2048, 2049] {
      // Never, always, and from the middle of the message on.
      for limit in [-1, 5000, 2048, length / 2] {
        #expect(digest(message, algorithm, shortLimit: limit, pieces: pieces) == expected)
      }
    }
    // The comparison sees a difference where there is one.
    #expect(Digest(of: message + [0], algorithm) != expected)
  }
}
