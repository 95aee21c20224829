import Diagnostics
import HuJSON
import StrictJSON
import Testing

@Suite struct HuJSONTests {
  private func read(_ text: String, _ limits: JSON.Limits = JSON.Limits()) throws(Problem) -> JSON {
    try HuJSON.decode(Array(text.utf8), limits: limits) { $0.value }
  }

  /// Text, and the JSON that it is.
  @Test(arguments: [
    ("{}", "{}"), ("// a\n{} // b", "{}"), ("/* a */ [1, /* b\n */ 2]", "[1,2]"), ("[1,]", "[1]"),
    ("[1, // c\n]", "[1]"),
    ("{\"a\": 1,}", "{\"a\":1}"), ("{\"a\": [ {\"b\": 2,}, ], /* c */ }", "{\"a\":[{\"b\":2}]}"),
    ("[\"// no comment\", \"/* nor this */\", \",]\"]", "[\"// no comment\",\"/* nor this */\",\",]\"]"),
    ("[\"\\\"\", \"\\\\\",]", "[\"\\\"\",\"\\\\\"]"), ("[1 /**/ , /***/ ]", "[1]"), ("// only a comment\r\n7", "7"),
    ("[[],{},]", "[[],{}]"),
  ])
  func reads(_ text: String, _ json: String) throws {
    #expect(try read(text).canonicalText == json)
    #expect(try HuJSON.standardized(Array(text.utf8)).count == text.utf8.count)
  }

  @Test(arguments: [
    ("[,]", "json.syntax"), ("[1,,]", "json.syntax"), ("{,}", "json.syntax"), ("{\"a\":,}", "json.syntax"),
    ("{\"a\",}", "json.syntax"), ("[1],", "json.trailing-bytes"), ("/* a", "hujson.comment"),
    ("[1] /*/", "hujson.comment"),
    ("/ 1", "json.syntax"), ("{\"a\": 1, /**/ \"a\": 2}", "json.duplicate-key"), ("# a\n1", "json.syntax"),
    ("'a'", "json.syntax"), ("", "json.end"), ("// a", "json.end"), ("\"a", "json.end"), ("\"a\\", "json.end"),
    ("[1 2]", "json.syntax"), ("{a: 1}", "json.syntax"), ("\u{feff}{}", "json.byte-order-mark"),
  ])
  func refuses(_ text: String, _ code: String) {
    #expect(throws: Problem.malformed(code, "")) { try read(text) }
  }

  /// Places are those of the file: comments and commas do not move them.
  @Test func namesPlaces() {
    let error = #expect(throws: Problem.self) { try read("{ // one\n  /* two\n three */ \"a\": 1,\n  \"a\": 2,\n}") }
    #expect(error?.place == "4:3")
    let comment = #expect(throws: Problem.self) { try read("{\n  \"a\": 1, /* x\n}") }
    #expect(comment?.place == "2:11")
  }

  @Test func keepsLimits() throws {
    #expect(throws: Problem.malformed("json.size", "")) { try read("[1, 2]", JSON.Limits(size: 5)) }
    #expect(throws: Problem.malformed("json.depth", "")) { try read("[[1]]", JSON.Limits(depth: 1)) }
    #expect(throws: Problem.malformed("json.too-many", "")) { try read("[1,2,]", JSON.Limits(values: 2)) }
    #expect(try read("[1,2,]", JSON.Limits(size: 6, depth: 1, values: 3)).canonicalText == "[1,2]")
  }
}
