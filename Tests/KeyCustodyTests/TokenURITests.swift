import Cryptography
import Diagnostics
import Testing
import Wire

@testable import KeyCustody

private func code<Value>(_ body: () throws -> Value) -> String {
  do {
    _ = try body()
    return "accepted"
  } catch let problem as Problem { return problem.code } catch { return "\(error)" }
}

@Suite struct TokenURITests {
  @Test func readsEveryAttribute() throws {
    let uri = try TokenURI(
      "pkcs11:token=My%20token;manufacturer=M&M;model=m;serial=01;slot-id=7;object=k%c3%A9y;id=%00%ffa;type=private"
        + "?module-path=/usr/lib/x.so&pin-source=file:/run/pin")
    #expect(uri.token == TokenURI.Token(label: "My token", manufacturer: "M&M", model: "m", serial: "01", slot: 7))
    #expect(uri.object == "kéy")
    #expect(uri.id == [0, 0xff, 0x61])
    #expect(uri.driver == .path("/usr/lib/x.so"))
    #expect(uri.pinFile == "/run/pin")
    #expect(try TokenURI("pkcs11:object=k").driver == .system)
    #expect(try TokenURI("pkcs11:id=%01?module-name=softhsm2").driver == .name("softhsm2"))
    #expect(try TokenURI("pkcs11:id=%01?pin-source=/run/pin").pinFile == "/run/pin")
  }

  static let rows: [(String, String)] = [
    ("pkcs11:object=k", "accepted"), ("PKCS11:object=k", "pkcs11-uri.syntax"), ("pkcs11:", "pkcs11-uri.syntax"),
    ("pkcs11:token=t", "pkcs11-uri.syntax"), ("pkcs11:object=", "pkcs11-uri.syntax"),
    ("pkcs11:object", "pkcs11-uri.syntax"), ("pkcs11:=k", "pkcs11-uri.syntax"),
    ("pkcs11:object=k;", "pkcs11-uri.syntax"),
    ("pkcs11:;object=k", "pkcs11-uri.syntax"), ("pkcs11:object=k;object=k", "pkcs11-uri.duplicate"),
    ("pkcs11:object=k?module-name=a&module-name=b", "pkcs11-uri.duplicate"),
    ("pkcs11:object=k;x-vendor=1", "pkcs11-uri.attribute"), ("pkcs11:object=k;Token=t", "pkcs11-uri.syntax"),
    ("pkcs11:object=k;library-version=1", "pkcs11-uri.attribute"), ("pkcs11:object=k?x=1", "pkcs11-uri.attribute"),
    ("pkcs11:object=a b", "pkcs11-uri.syntax"), ("pkcs11:object=a/b", "pkcs11-uri.syntax"),
    ("pkcs11:object=a%2fb", "accepted"), ("pkcs11:object=a%2", "pkcs11-uri.syntax"),
    ("pkcs11:object=a%2g", "pkcs11-uri.syntax"), ("pkcs11:object=a%00b", "pkcs11-uri.syntax"),
    ("pkcs11:object=%ff", "pkcs11-uri.syntax"), ("pkcs11:id=%ff", "accepted"), ("pkcs11:object=é", "pkcs11-uri.syntax"),
    ("pkcs11:object=k;type=private", "accepted"), ("pkcs11:object=k;type=public", "pkcs11-uri.syntax"),
    ("pkcs11:object=k;slot-id=0", "accepted"), ("pkcs11:object=k;slot-id=-1", "pkcs11-uri.syntax"),
    ("pkcs11:object=k;slot-id=99999999999999999999", "pkcs11-uri.syntax"),
    ("pkcs11:object=k;token=" + String(repeating: "t", count: 32), "accepted"),
    ("pkcs11:object=k;token=" + String(repeating: "t", count: 33), "pkcs11-uri.syntax"),
    ("pkcs11:object=k?pin-value=1234", "pkcs11-uri.pin-value"),
    ("pkcs11:object=k?pin-source=|cat", "pkcs11-uri.pin-source"),
    ("pkcs11:object=k?pin-source=pin", "pkcs11-uri.pin-source"),
    ("pkcs11:object=k?pin-source=file://host/pin", "pkcs11-uri.pin-source"),
    ("pkcs11:object=k?module-path=x.so", "pkcs11-uri.syntax"),
    ("pkcs11:object=k?module-name=../x", "pkcs11-uri.syntax"),
    ("pkcs11:object=k?module-path=/x.so&module-name=y", "pkcs11-uri.syntax"),
    ("pkcs11:object=k?module-name=a?b", "pkcs11-uri.syntax"),
    ("pkcs11:object=" + String(repeating: "k", count: 2100), "pkcs11-uri.syntax"),
  ]

  @Test(arguments: rows) func isStrict(_ row: (text: String, code: String)) {
    #expect(code { try TokenURI(row.text) } == row.code, "\(row.text)")
  }
}

@Suite struct ExternalSignerTests {
  private static let key =
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEzgh8NiIdgUYXZ7WcDioz6sWbRe15hlwzb78W6WXxIiO7mpHISogh0T16hDIudUyZfu4I0GZhPO4h4b/WJuqqbg=="

  private static func file(_ argv: String, _ rest: String = "") -> [UInt8] {
    Array(
      """
      {"type": "rustynet-external-signer/v1", "algorithm": "ecdsa-p256-sha256", "public": "\(key)", "argv": \(argv)\(rest)}
      """.utf8)
  }

  static let rows: [(String, String, String)] = [
    (#"["/bin/cat"]"#, "", "accepted"), (#"[]"#, "", "external-signer.argv"), (#"["cat"]"#, "", "external-signer.argv"),
    (#"["/bin/cat", "a\u0000b"]"#, "", "external-signer.argv"), (#"["/bin/cat"]"#, #", "seconds": 601"#, "json.range"),
    (#"["/bin/cat"]"#, #", "seconds": 600"#, "accepted"),
    (#"["/bin/cat"]"#, #", "environment": ["HOME"]"#, "accepted"),
    (#"["/bin/cat"]"#, #", "environment": ["LD_PRELOAD"]"#, "external-signer.environment"),
    (#"["/bin/cat"]"#, #", "environment": ["PATH"]"#, "external-signer.environment"),
    (#"["/bin/cat"]"#, #", "environment": ["A=B"]"#, "external-signer.environment"),
    (#"["/bin/cat"]"#, #", "shell": true"#, "json.unknown-field"),
    (#"["/bin/cat"]"#, #", "type": "x""#, "json.duplicate-key"),
  ]

  @Test(arguments: rows) func isStrict(_ row: (argv: String, rest: String, code: String)) {
    let found = code { try ExternalSigner(parsing: Self.file(row.argv, row.rest)) }
    // A range has a code of its own in StrictJSON; that it is refused is what counts here.
    #expect(row.code == "json.range" ? found != "accepted" : found == row.code, "\(row.argv)\(row.rest)")
  }

  /// What a command may answer for a digest of 32 bytes, of which `cat` is the simplest.
  @Test func encodings() throws {
    func answer(_ argv: String, _ rest: String) throws -> String {
      let signer = try ExternalSigner(parsing: Self.file(argv, rest))
      return code { try signer.signature(over: [1, 2, 3]) }
    }
    #expect(try answer(#"["/bin/cat"]"#, "") == "accepted")
    #expect(try answer(#"["/bin/cat"]"#, #", "encoding": "raw""#) == "external-signer.length")
    #expect(try answer(#"["/usr/bin/head", "-c", "64", "/dev/zero"]"#, #", "encoding": "raw""#) == "accepted")
    #expect(try answer(#"["/usr/bin/base64"]"#, #", "answer": "base64""#) == "accepted")
    #expect(try answer(#"["/bin/cat"]"#, #", "answer": "base64""#) != "accepted")
    let signer = try ExternalSigner(parsing: Self.file(#"["/bin/cat"]"#))
    #expect(try signer.signature(over: [1, 2, 3]) == Digest(of: [1, 2, 3]).bytes)
    #expect(code { try signer.verifiedSignature(over: [1, 2, 3]) } == "signer.signature")
  }
}
