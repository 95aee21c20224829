import CCrypto
import Cryptography
import Diagnostics
import LinuxKit
import StrictJSON
import Testing

@testable import UserspaceTunnel

/// The composed cipher against RFC 8439 and Wycheproof's vectors, and against libcrypto's own.
@Suite struct CipherTests {
  private static let folder: String = {
    if let path = Host.environment("RUSTYNET_CORPORA") { return path }
    var folder = Path.folder(of: #filePath)
    while folder != "/", FileSystem.status("\(folder)/Package.swift") == nil { folder = Path.folder(of: folder) }
    return "\(folder)/../shared/corpora"
  }()
  static let vectors = "\(folder)/wycheproof/chacha20_poly1305_test.json"
  static var isThere: Bool { FileSystem.status(vectors) != nil }

  /// Seals a copy of `text`; ciphertext and tag, or nil when something before the text was not kept.
  private func seal(_ key: [UInt8], _ nonce: [UInt8], _ data: [UInt8], _ text: [UInt8]) -> [UInt8]? {
    guard let key = Key32(key), let context = unsafe SplitCipher.makeContext(key, isSealing: true) else { return nil }
    defer { unsafe EVP_CIPHER_CTX_free(context) }
    let cipher = SplitCipher.make()
    defer { cipher.free() }
    let headroom = (0..<64).map { UInt8($0 ^ 0x5a) }
    return unsafe withOctets(headroom + text) { memory in
      unsafe withOctets(data) { data2 in
        unsafe withOctets(nonce) { nonce in
          unsafe cipher.seal(
            context, memory + 64, text.count, nonce.raw64(4), prefix: nonce.raw32(0), associated: data2, data.count)
          return unsafe copy(memory, 64) == headroom ? copy(memory + 64, text.count + 16) : nil
        }
      }
    }
  }

  /// Opens a copy of `sealed`; nil when it is refused.
  private func open(_ key: [UInt8], _ nonce: [UInt8], _ data: [UInt8], _ sealed: [UInt8]) -> [UInt8]? {
    guard let key = Key32(key), let context = unsafe SplitCipher.makeContext(key, isSealing: false), sealed.count >= 16
    else { return nil }
    defer { unsafe EVP_CIPHER_CTX_free(context) }
    let cipher = SplitCipher.make()
    defer { cipher.free() }
    return unsafe withOctets(sealed) { memory in
      unsafe withOctets(data) { data2 in
        unsafe withOctets(nonce) { nonce in
          let count = sealed.count - 16
          let isRight = unsafe cipher.open(
            context, memory, count, nonce.raw64(4), prefix: nonce.raw32(0), associated: data2, data.count)
          return unsafe isRight ? copy(memory, count) : nil
        }
      }
    }
  }

  @Test func agreesWithRFC8439() {
    // RFC 8439, 2.8.2.
    let text = Array(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
        .utf8)
    let key = (0x80...0x9f).map { UInt8($0) }
    let nonce: [UInt8] = [7, 0, 0, 0] + (0x40...0x47).map { UInt8($0) }
    let data: [UInt8] = [0x50, 0x51, 0x52, 0x53] + (0xc0...0xc7).map { UInt8($0) }
    let tag: [UInt8] = [
      0x1a, 0xe1, 0x0b, 0x59, 0x4f, 0x09, 0xe2, 0x6a, 0x7e, 0x90, 0x2e, 0xcb, 0xd0, 0x60, 0x06, 0x91,
    ]
    let sealed = seal(key, nonce, data, text) ?? []
    #expect(sealed.prefix(8) == [0xd3, 0x1a, 0x8d, 0x34, 0x64, 0x8e, 0x60, 0xdb])
    #expect(Array(sealed.suffix(16)) == tag)
    #expect(open(key, nonce, data, sealed) == text)
    for at in [0, 113, sealed.count - 1] where at < sealed.count {
      var changed = sealed
      changed[at] ^= 1
      #expect(open(key, nonce, data, changed) == nil)
    }
    #expect(open(key, nonce, [1] + data.dropFirst(), sealed) == nil)
  }

  @Test func agreesWithTheLibrary() { #expect(SplitCipher.agreesWithStock()) }

  @Test(.enabled(if: isThere, "not-run: no corpora of third parties")) func agreesWithTheCorpusOfWycheproof() throws {
    let file = try JSONReader(JSON(parsing: FileSystem.read(Self.vectors, limit: 64 << 20)))
    var (good, bad) = (0, 0)
    for group in try file.member("testGroups").elements() {
      guard try group.member("ivSize").integer() == 96 else { continue }
      for test in try group.member("tests").elements() {
        let (key, nonce) = (try test.member("key").hex(), try test.member("iv").hex())
        let (data, text) = (try test.member("aad").hex(), try test.member("msg").hex())
        let sealed = try test.member("ct").hex() + test.member("tag").hex()
        if try test.member("result").text() == "valid" {
          good += 1
          #expect(seal(key, nonce, data, text) == sealed && open(key, nonce, data, sealed) == text)
        } else {
          bad += 1
          #expect(open(key, nonce, data, sealed) == nil)
        }
      }
    }
    #expect(good > 200 && bad > 30, "the vectors are not those that are meant")
  }
}
