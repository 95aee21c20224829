import Diagnostics
import Testing
import Wire

@Suite struct Base64Tests {
  /// RFC 4648 section 10.
  static let vectors: [(plain: String, text: String)] = [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
  ]

  @Test(arguments: vectors) func roundTrips(vector: (plain: String, text: String)) throws {
    #expect(Base64.encode(Array(vector.plain.utf8)) == vector.text)
    #expect(try Base64.decode(vector.text) == Array(vector.plain.utf8))
  }

  static let refused: [(text: String, code: String)] = [
    ("Zg=", "base64.length"), ("Zh==", "base64.spare-bits"), ("Zm9=", "base64.spare-bits"),
    ("Zg==Zg==", "base64.character"),
    ("Z g=", "base64.character"), ("Zm9v\n\n\n\n", "base64.character"), ("-_-_", "base64.character"),
    ("====", "base64.character"), ("Z===", "base64.character"), ("=Zg=", "base64.character"),
  ]

  @Test(arguments: refused) func refuses(vector: (text: String, code: String)) {
    let error = #expect(throws: Problem.self) { try Base64.decode(vector.text) }
    #expect(error?.code == vector.code)
  }

  @Test func readsURLSafeOnRequestButNoMixture() throws {
    #expect(try Base64.decode("-_-_", alphabet: .standardOrURLSafe) == [0xfb, 0xff, 0xbf])
    #expect(try Base64.decode("+/+/", alphabet: .standardOrURLSafe) == [0xfb, 0xff, 0xbf])
    let error = #expect(throws: Problem.self) { try Base64.decode("+_+_", alphabet: .standardOrURLSafe) }
    #expect(error?.code == "base64.alphabet")
  }
}

@Suite struct HexTests {
  @Test func roundTripsLowerCaseOnly() throws {
    #expect(Hex.encode([0, 15, 255]) == "000fff")
    #expect(try Hex.decode("000fff") == [0, 15, 255])
    for text in ["0", "0F", "g0", " 0"] {
      #expect(throws: Problem.self) { try Hex.decode(text) }
    }
  }
}

@Suite struct TimestampTests {
  static let vectors: [(text: String, seconds: Int64)] = [
    ("1970-01-01T00:00:00Z", 0), ("2000-02-29T12:00:00Z", 951_825_600), ("2026-11-22T16:05:00Z", 1_795_363_500),
    ("2100-03-01T00:00:00Z", 4_107_542_400), ("9999-12-31T23:59:59Z", 253_402_300_799),
  ]

  @Test(arguments: vectors) func roundTrips(vector: (text: String, seconds: Int64)) throws {
    #expect(try Timestamp(vector.text).seconds == vector.seconds)
    #expect(Timestamp(seconds: vector.seconds)?.description == vector.text)
  }

  @Test(arguments: [
    "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-22 16:05:00Z", "2026-11-22T16:05:00",
    "2026-11-22T16:05:60Z",
    "2026-11-22T16:05:00+00:00", "2026-11-22T16:05:00.0Z", "2026-11-22t16:05:00z", "", "now", "1969-12-31T23:59:59Z",
  ]) func refusesAnotherSpelling(text: String) {
    #expect(throws: Problem.self) { try Timestamp(text) }
  }

  @Test func readsForeignSpellings() throws {
    let expected = try Timestamp("2026-11-22T16:05:00Z")
    for text in ["2026-11-22T16:05:00.123456Z", "2026-11-22T17:05:00+01:00", "2026-11-22t16:05:00z"] {
      #expect(try Timestamp(rfc3339: text) == expected)
    }
  }

  @Test func everyDayRoundTrips() throws {
    for day in stride(from: Int64(0), through: 120_000, by: 7) {
      let time = try #require(Timestamp(seconds: day * 86_400 + 86_399))
      #expect(try Timestamp(time.description) == time)
    }
  }
}
