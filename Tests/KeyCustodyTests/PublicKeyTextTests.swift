import Cryptography
import Diagnostics
import KeyCustody
import Testing
import Wire

@Suite struct PublicKeyTextTests {
  /// The public key of RFC 8032 section 7.1, test 1.
  let key: Ed25519.PublicKey

  init() throws {
    key = try Ed25519.PublicKey(try Hex.decode("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
  }

  @Test func roundTripsItsDocument() throws {
    #expect(
      key.json == """
        {"algorithm":"ed25519","key":"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",\
        "keyId":"ed25519:21fe31dfa154a261"}
        """)
    #expect(try Ed25519.PublicKey(json: Array(key.json.utf8)) == key)
    #expect(try Ed25519.PublicKey(json: Array((key.json + "\n").utf8)) == key)
    for (changed, code) in [
      (key.json.replacing("21fe", with: "21ff"), "key.id"),
      (key.json.replacing("\"ed25519\"", with: "\"x\""), "key.algorithm"),
      (key.json.replacing("\"key\"", with: "\"kex\""), "json.unknown-field"), (key.json + "x", "json.trailing-bytes"),
      (key.json.replacing("11qY", with: "AAAA"), "key.point"),
    ] {
      let error = #expect(throws: Problem.self) { try Ed25519.PublicKey(json: Array(changed.utf8)) }
      #expect(error?.code == code)
    }
  }

  @Test func writesWhatOthersRead() throws {
    // The same key by `openssl pkey -pubout` (RFC 8410 §10.1 has the form).
    #expect(
      key.pem == """
        -----BEGIN PUBLIC KEY-----
        MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
        -----END PUBLIC KEY-----
        """)
    #expect(try ForeignPublicKey(pem: key.pem).kind == .ed25519)
    #expect(try ForeignPublicKey(spki: key.spki).der == key.spki)
  }

  /// The example of the C2SP signed-note specification.
  @Test func namesNoteVerifiers() throws {
    let vector = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    let bytes = try Base64.decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    let peter = try Ed25519.PublicKey(Array(bytes.dropFirst()))
    #expect(try peter.noteVerifier(name: "PeterNeumann") == vector)
    for name in ["", "a b", "a+b", "ä", "a\n"] {
      let error = #expect(throws: Problem.self) { try peter.noteVerifier(name: name) }
      #expect(error?.code == "note.name")
    }
  }
}
