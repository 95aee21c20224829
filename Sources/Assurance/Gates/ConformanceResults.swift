public import Diagnostics
public import StrictJSON

/// What `rustynet-bench conformance` found about one backend of the tunnel, case by case.
public struct ConformanceResults: Sendable {
  /// The outcome of one case.
  public struct Case: Sendable {
    /// The stable id of the case.
    public let id: String
    /// `passed`, `failed` or `not-run`.
    public let outcome: String
    /// What was wrong, or in which manner it passed.
    public let detail: String
  }

  /// The name by which the suite was asked for the backend.
  public let backend: String
  /// What the backend calls itself.
  public let name: String
  /// The kinds of its devices as the kernel named them.
  public let devices: [String]
  /// Packets that the kernel saw between the nodes.
  public let packets: Int64
  /// Why nothing was run.
  public let reason: String?
  /// Every case that was run.
  public let cases: [Case]

  /// Reads the file, or the facts of a record; an unknown field is malformed.
  public init(_ reader: JSONReader) throws(Problem) {
    try reader.closed("type", "backend", "name", "devices", "packets", "notRun", "cases")
    guard try reader.member("type").text() == "rustynet-conformance/v1" else {
      throw reader.problem("conformance.type", "these are no results of a conformance run")
    }
    backend = try reader.member("backend").token(atMost: 64)
    name = try reader.member("name").text(atMost: 64)
    devices = try reader.member("devices").texts(atMost: 16)
    packets = try reader.member("packets").integer(in: 0...JSON.largestInteger)
    reason = try reader.optional("notRun")?.text(atMost: 1024)
    var cases: [Case] = []
    for element in try reader.member("cases").elements(atMost: 1024) {
      try element.closed("id", "outcome", "detail")
      cases.append(
        Case(
          id: try element.member("id").token(atMost: 64), outcome: try element.member("outcome").token(atMost: 16),
          detail: try element.member("detail").text(atMost: 4096)))
    }
    self.cases = cases
  }
}
