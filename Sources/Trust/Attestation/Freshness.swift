public import Wire

/// The limits of age that hold everywhere (documents/rules.md).
public enum Freshness {
  /// How far in the future a measurement may lie, in seconds.
  public static let futureTolerance: Int64 = 300

  /// Refuses a measurement from the future or older than `maximum` seconds; counted from the time of measurement.
  public static func check(_ id: String, measured: Timestamp, at time: Timestamp, maximum: Int64) -> Check {
    let source = "V27, A4"
    let age = time.seconds - measured.seconds
    if age < -futureTolerance {
      return .failed(
        id, "evidence.future", "the measurement lies in the future", expected: "at most \(time)",
        found: "\(measured)", source: source)
    }
    let expected = "at most \(maximum) s old at \(time)"
    return age <= maximum
      ? .passed(id, "the measurement is fresh", expected: expected, found: "\(measured)", source: source)
      : .failed(
        id, "evidence.stale", "the measurement is too old", expected: expected, found: "\(measured), \(age) s",
        source: source, hint: "measure again; a new report of an old measurement does not help")
  }
}
