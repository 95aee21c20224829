public import Diagnostics

/// The cross-platform configuration protocol: text over a socket, one `key=value` a line, an empty line at the end.
public enum UAPI {
  /// What a client asks.
  public enum Request: Sendable {
    case get
    case set(DeviceChange)
  }

  /// The errno that a reply carries; 0 is success.
  public enum Status: Int32, Sendable, CaseIterable {
    case success = 0
    case noSuchEntry = 2
    case inputOutput = 5
    case noMemory = 12
    case addressInUse = 98
    case invalid = 22
    case protocolError = 71
    case noAccess = 13
  }

  /// The largest request in bytes.
  public static let requestLimit = 64 << 20

  /// Parses a request without its empty line. Throws `uapi.…`; `status(of:)` says which errno answers it.
  public static func parse(_ text: String) throws(Problem) -> Request { fatalError() }

  /// The errno for a problem of `parse`; `fallback` for one that is not of this protocol.
  public static func status(of problem: Problem, otherwise fallback: Status = .inputOutput) -> Status { fatalError() }

  /// The reply to `get`, up to its empty line.
  public static func reply(_ state: DeviceState) -> String { fatalError() }

  /// The reply that carries an errno alone, up to its empty line.
  public static func reply(_ status: Status) -> String { fatalError() }

  /// A client's `set`, up to its empty line.
  public static func request(_ change: DeviceChange) -> String { fatalError() }

  /// A client's `get`, up to its empty line.
  public static let getRequest = "get=1\n\n"

  /// Reads a daemon's reply to `get`; an errno other than 0 is `uapi.errno`. Keys that we do not know are passed over.
  public static func parseState(_ text: String) throws(Problem) -> DeviceState { fatalError() }

  /// Reads a daemon's reply to `set`; an errno other than 0 is `uapi.errno`.
  public static func parseStatus(_ text: String) throws(Problem) { fatalError() }
}
