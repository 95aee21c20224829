import StrictJSON

/// How long a check of an SSH rule lasts, as the services read it: decimal numbers with units, such as `12h`, `1h30m`,
/// `1.5h` or `0` (Go, `time.ParseDuration`).
struct CheckPeriod: Comparable {
  private let nanoseconds: Int128

  /// Nothing is below.
  static let least = CheckPeriod(nanoseconds: 0)
  /// A week.
  static let most = CheckPeriod(nanoseconds: 168 * 3_600_000_000_000)

  private static let units: [(name: String, nanoseconds: Int128)] = [
    ("ns", 1), ("us", 1_000), ("\u{b5}s", 1_000), ("\u{3bc}s", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000),
    ("m", 60_000_000_000), ("h", 3_600_000_000_000),
  ]

  private init(nanoseconds: Int128) { self.nanoseconds = nanoseconds }

  /// Reads a text; nil for one that is no duration.
  init?(_ text: String) {
    var rest = text.unicodeScalars[...]
    let isNegative = rest.first == "-"
    if isNegative || rest.first == "+" { rest.removeFirst() }
    guard !rest.elementsEqual("0".unicodeScalars) else {
      nanoseconds = 0
      return
    }
    guard !rest.isEmpty else { return nil }
    var total: Int128 = 0
    while !rest.isEmpty {
      guard let part = Self.part(&rest) else { return nil }
      total += part
    }
    nanoseconds = isNegative ? -total : total
  }

  /// One number with its unit. A number has at most 18 digits, so that no sum of a short text overflows.
  private static func part(_ rest: inout Substring.UnicodeScalarView) -> Int128? {
    func digits() -> [Int128] {
      let run = rest.prefix { ("0"..."9").contains($0) }
      rest = rest[run.endIndex...]
      return run.map { Int128($0.value - 0x30) }
    }
    let whole = digits()
    var fraction: [Int128] = []
    if rest.first == "." {
      rest.removeFirst()
      fraction = digits()
    }
    guard (1...18).contains(whole.count + fraction.count) else { return nil }
    let name = String(rest.prefix { $0 != "." && !("0"..."9").contains($0) })
    guard let unit = units.first(where: { $0.name.isExactly(name) }) else { return nil }
    rest = rest.dropFirst(name.unicodeScalars.count)
    let scale = fraction.reduce(Int128(1)) { scale, _ in scale * 10 }
    let number = (whole + fraction).reduce(Int128(0)) { $0 * 10 + $1 }
    return number * unit.nanoseconds / scale
  }

  static func < (left: CheckPeriod, right: CheckPeriod) -> Bool { left.nanoseconds < right.nanoseconds }
}

extension CheckPeriod: CustomStringConvertible {
  /// Hours, minutes and whole seconds, as the services print it: `169h0m0s`.
  var description: String {
    let seconds = nanoseconds.magnitude / 1_000_000_000
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
    let sign = nanoseconds < 0 ? "-" : ""
    if hours > 0 { return "\(sign)\(hours)h\(minutes)m\(seconds % 60)s" }
    return minutes > 0 ? "\(sign)\(minutes)m\(seconds % 60)s" : "\(sign)\(seconds)s"
  }
}
