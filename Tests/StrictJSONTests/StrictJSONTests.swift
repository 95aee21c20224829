import Diagnostics
import StrictJSON
import Testing

@Suite struct ParserTests {
  static let refused: [(text: String, code: String, place: String)] = [
    (#"{"a":1,"a":2}"#, "json.duplicate-key", "1:8"),
    (#"{"a":1,"\u0061":2}"#, "json.duplicate-key", "1:8"),
    (#"{"a":{"b":1,"b":2}}"#, "json.duplicate-key", "1:13 /a"),
    (#"["\ud800"]"#, "json.lone-surrogate", "1:4 /0"),
    (#"["\udc00\ud800"]"#, "json.lone-surrogate", "1:4 /0"),
    ("[1] x", "json.trailing-bytes", "1:5"),
    ("[9007199254740992]", "json.number-range", "1:2 /0"),
    ("[-9007199254740992]", "json.number-range", "1:2 /0"),
    ("[1e400]", "json.number-range", "1:2 /0"),
    ("[1e-400]", "json.number-range", "1:2 /0"),
    ("[NaN]", "json.syntax", "1:2 /0"),
    ("[01]", "json.number", "1:3 /0"),
    ("[\n\n  x]", "json.syntax", "3:3 /0"),
    ("{\"a/b~c\":x}", "json.syntax", "1:10 /a~1b~0c"),
    ("[\"\u{1}\"]", "json.control-character", "1:3 /0"),
    ("", "json.end", "1:1"),
    ("[1", "json.syntax", "1:3"),
    ("\u{feff}{}", "json.byte-order-mark", "1:1"),
  ]

  @Test(arguments: refused) func refusesWithCodeAndPlace(vector: (text: String, code: String, place: String)) {
    let error = #expect(throws: Problem.self) { try JSON(parsing: vector.text) }
    #expect(error?.code == vector.code)
    #expect(error?.place == vector.place)
  }

  @Test func refusesInvalidUTF8() {
    let error = #expect(throws: Problem.self) { try JSON(parsing: [0x22, 0xff, 0x22]) }
    #expect(error?.code == "json.utf-8")
  }

  @Test func limitsDepthAndSize() throws {
    let nested = { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
    _ = try JSON(parsing: nested(64))
    #expect(throws: Problem.malformed("json.depth", "")) { try JSON(parsing: nested(65)) }
    #expect(throws: Problem.malformed("json.depth", "")) { try JSON(parsing: nested(100_000)) }
    _ = try JSON(parsing: "[1]", limits: .init(size: 3))
    #expect(throws: Problem.malformed("json.size", "")) { try JSON(parsing: "[10]", limits: .init(size: 3)) }
  }

  /// A value takes memory many times its two bytes in the document, so that the size alone is no limit.
  @Test func limitsTheNumberOfValues() throws {
    let limits = JSON.Limits(values: 4)
    for text in ["[1,2,3]", #"{"a":1,"b":2,"c":3}"#, "[[[[]]]]", #"{"a":[{}],"b":1}"#] {
      _ = try JSON(parsing: text, limits: limits)
    }
    for text in ["[1,2,3,4]", #"{"a":1,"b":2,"c":3,"d":4}"#, "[[[[[]]]]]", #"{"a":[{}],"b":[1]}"#] {
      #expect(throws: Problem.malformed("json.too-many", "")) { try JSON(parsing: text, limits: limits) }
    }
    let many = { (count: Int) in
      Array("[0".utf8) + Array(repeatElement(Array(",0".utf8), count: count - 2).joined()) + [0x5d]
    }
    _ = try JSON(parsing: many(250_000))
    #expect(throws: Problem.malformed("json.too-many", "")) { try JSON(parsing: many(250_001)) }
  }

  @Test func keepsLargestIntegersAndSurrogatePairs() throws {
    #expect(try JSON(parsing: "9007199254740991") == .integer(9_007_199_254_740_991))
    #expect(try JSON(parsing: "-0") == .integer(0))
    #expect(try JSON(parsing: #""\ud83d\ude00""#) == .string("😀"))
    #expect(try JSON(parsing: "0e5") == .number(0))
  }

  /// U+212A is canonically equal to `K` for Swift's `String`; here it is another key and another text.
  @Test func comparesTextByBytes() throws {
    let value = try JSON(parsing: "{\"\u{212A}\":1,\"K\":2}")
    guard case .object(let object) = value else { return #expect(Bool(false)) }
    #expect(object["K"] == .integer(2))
    #expect(JSON.string("\u{212A}") != JSON.string("K"))
  }

  @Test func findsMembersOfLargeObjects() throws {
    let text = "{" + (0..<500).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + "}"
    guard case .object(var object) = try JSON(parsing: text) else { return #expect(Bool(false)) }
    #expect((0..<500).allSatisfy { object["k\($0)"] == .integer(Int64($0)) })
    object["k7"] = nil
    #expect(object["k7"] == nil && object["k8"] == .integer(8) && object.members.count == 499)
    #expect(throws: Problem.malformed("json.duplicate-key", "")) {
      try JSON(parsing: text.dropLast() + ",\"k250\":1}")
    }
  }
}

@Suite struct CanonicalTests {
  /// RFC 8785 appendix B: bits of a double and its text.
  static let numbers: [(bits: UInt64, text: String)] = [
    (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"), (0x0000_0000_0000_0001, "5e-324"),
    (0x8000_0000_0000_0001, "-5e-324"), (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
    (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"), (0x4340_0000_0000_0000, "9007199254740992"),
    (0xc340_0000_0000_0000, "-9007199254740992"), (0x4430_0000_0000_0000, "295147905179352830000"),
    (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"), (0x44b5_2d02_c7e1_4af6, "1e+23"),
    (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"), (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
    (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"), (0x444b_1ae4_d6e2_ef50, "1e+21"),
    (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"), (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
    (0x41b3_de43_5555_5553, "333333333.3333332"), (0x41b3_de43_5555_5554, "333333333.33333325"),
    (0x41b3_de43_5555_5555, "333333333.3333333"), (0x41b3_de43_5555_5556, "333333333.3333334"),
    (0x41b3_de43_5555_5557, "333333333.33333343"), (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
    (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
  ]

  @Test(arguments: numbers) func writesNumbersAsECMAScriptDoes(
    vector: (bits: UInt64, text: String)
  ) {
    #expect(JSON.number(Double(bitPattern: vector.bits)).canonicalText == vector.text)
  }

  /// RFC 8785 section 3.2.2 and 3.2.3, the examples.
  @Test func writesTheExamplesOfTheRFC() throws {
    let example = #"""
      {
        "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
      }
      """#
    let expected =
      #"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#
      + #""string":"€$\u000f\nA'B\"\\\\\"/"}"#
    #expect(try JSON(parsing: example).canonicalText == expected)
    let keys = #"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#
    #expect(
      try JSON(parsing: keys).canonicalText == "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}"
    )
  }

  @Test func isAFixedPoint() throws {
    let value = try JSON(parsing: #"{"b":[1.5,"x\n",{"z":null,"a":true}],"a":-7}"#)
    #expect(try JSON(parsing: value.canonical).canonical == value.canonical)
    #expect(try JSON(parsing: value.pretty) == value)
  }
}

@Suite struct ReaderTests {
  @Test func locatesWhatIsWrong() {
    let bytes = Array("{\n  \"a\": [true,\n    1.5]\n}".utf8)
    let error = #expect(throws: Problem.self) {
      try JSON.decode(bytes) { reader throws(Problem) in
        let elements = try reader.member("a").elements()
        _ = try elements[0].bool()
        return try elements[1].integer()
      }
    }
    #expect(error?.code == "json.kind")
    #expect(error?.place == "3:5: /a/1")
  }

  @Test(arguments: [
    // A key with the separator of places, a place of another document behind ours, both, and none of ours at all.
    ("/a: b/c", "3:8"), ("/a: b/c: 7:1: /x", "3:8"), ("/d: é: /x", "4:7"), ("/: /a", "1:1"), ("/gone", nil),
    ("/gone: /a: b", nil),
  ])
  func findsThePlaceThatAProblemBeginsWith(named: String, expected: String?) {
    let bytes = Array("{\n \"a: b\": {\n  \"c\": 1},\n \"d\": 2}".utf8)
    let error = #expect(throws: Problem.self) {
      try JSON.decode(bytes) { _ throws(Problem) in throw .malformed("x", "", place: named) }
    }
    #expect(error?.place == (expected.map { "\($0): \(named)" } ?? named))
  }

  @Test func refusesUnknownFieldsAndForeignTokens() throws {
    let value = JSONReader(try JSON(parsing: "{\"type\":\"\u{212A}\",\"extra\":1}"))
    #expect(throws: Problem.malformed("json.unknown-field", "")) { try value.closed("type") }
    #expect(throws: Problem.malformed("json.token", "")) { try value.member("type").token() }
    #expect(throws: Problem.malformed("json.missing-field", "")) { try value.member("gone") }
    #expect(try value.member("type").text() == "\u{212A}")
    try value.closed("type", "extra")
  }
}
