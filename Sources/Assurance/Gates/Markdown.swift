/// As much of Markdown as links and headings need.
enum Markdown {
  /// The lines outside fenced code (CommonMark §4.5): a fence is closed by one of its own kind, at least as long.
  private static func prose(_ text: String) -> [Substring] {
    var open: (mark: Character, length: Int)?
    return text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
      let text = line.drop { $0 == " " }
      guard let mark = text.first, mark == "`" || mark == "~" else { return open == nil }
      let length = text.prefix { $0 == mark }.count
      let rest = text.dropFirst(length)
      if let fence = open {
        if mark == fence.mark, length >= fence.length, rest.allSatisfy(\.isWhitespace) { open = nil }
        return false
      }
      guard length >= 3, mark == "~" || !rest.contains("`") else { return true }
      open = (mark, length)
      return false
    }
  }

  /// How many words the text has, code included.
  static func words(_ text: String) -> Int { text.split(whereSeparator: \.isWhitespace).count }

  /// The targets of inline links and images, and of reference definitions.
  static func links(_ text: String) -> [String] {
    prose(text).flatMap { line in
      var links: [String] = []
      var rest = withoutCode(line)[...]
      if rest.hasPrefix("["), let colon = rest.firstRange(of: "]:"), !rest[..<colon.lowerBound].contains("](") {
        if let target = rest[colon.upperBound...].split(separator: " ").first { links.append(String(target)) }
        return links
      }
      while let start = rest.firstRange(of: "]("), let end = rest[start.upperBound...].firstIndex(of: ")") {
        let target = rest[start.upperBound..<end].split(separator: " ").first ?? ""
        links.append(String(target))
        rest = rest[end...]
      }
      return links
    }
  }

  /// The line without its code spans; backticks that no run of the same length closes are plain text.
  private static func withoutCode(_ line: Substring) -> String {
    var result = ""
    var rest = line
    while let start = rest.firstIndex(of: "`") {
      let run = rest[start...].prefix { $0 == "`" }
      result += rest[..<start]
      rest = rest[run.endIndex...]
      if let end = endOfCode(rest, length: run.count) { rest = rest[end...] } else { result += run }
    }
    return result + rest
  }

  /// Behind the first run of exactly `length` backticks, nil where there is none.
  private static func endOfCode(_ text: Substring, length: Int) -> Substring.Index? {
    var rest = text
    while let start = rest.firstIndex(of: "`") {
      let run = rest[start...].prefix { $0 == "`" }
      if run.count == length { return run.endIndex }
      rest = rest[run.endIndex...]
    }
    return nil
  }

  /// The anchors that headings get: lower case, punctuation dropped, spaces turned into hyphens.
  static func anchors(_ text: String) -> Set<String> {
    Set(
      prose(text).filter { $0.hasPrefix("#") }.map { line in
        let title = line.drop { $0 == "#" }.drop { $0 == " " }.lowercased()
        return String(title.compactMap { $0 == " " ? "-" : $0.isLetter || $0.isNumber || "-_".contains($0) ? $0 : nil })
      })
  }
}
