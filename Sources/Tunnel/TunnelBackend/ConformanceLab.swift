public import Cryptography
public import Diagnostics
public import NetworkTypes

/// A node of a conformance run: a place of its own, with one backend and one wire to the other nodes.
///
/// Calls of the node and of its backend happen in that place. All nodes are driven from one thread.
public protocol ConformanceNode: AnyObject {
  /// The backend under test; it was never started.
  var backend: any TunnelBackend { get }
  /// A name for the device that nothing else on the machine has.
  var interface: String { get }
  /// Where other nodes reach this one without a tunnel.
  func outerAddress(_ family: IPAddress.Family) -> IPAddress
  /// Gives the node another outer address instead of the one that it has.
  func move() throws(Problem)
  /// Gives the node an address of its own beside those of the device, as if it stood in a network behind it.
  func own(_ address: IPAddress) throws(Problem)
  /// Whether a packet gets from here to `address`, which `other` has, within a second. One way: what sends back is another
  /// probe, and a packet counts although nobody could answer its source.
  func reaches(_ address: IPAddress, of other: any ConformanceNode, from source: IPAddress?) throws(Problem) -> Bool
  /// Whether there is a device of the name `interface`, looked up without the backend.
  func hasDevice() throws(Problem) -> Bool
  /// What the node sends into the device, apart from the device's own addresses, looked up without the backend.
  func routes() throws(Problem) -> Set<Prefix>
  /// Whether what has no route of its own goes into the device, looked up without the backend.
  func routesEverything() throws(Problem) -> Bool
  /// Takes the device away under the backend.
  func removeDevice() throws(Problem)
}

/// Where a conformance run finds its nodes: it has neither a protocol nor a socket of its own.
public protocol ConformanceLab: AnyObject {
  /// Two nodes with new backends, in places of their own, on one wire; those of the case before are gone.
  func pair() throws(Problem) -> (any ConformanceNode, any ConformanceNode)
  /// A secret key and the public key that belongs to it.
  func keyPair() throws(Problem) -> (secret: Key32, public: PeerKey)
  /// Lets time pass.
  func wait(milliseconds: Int)
}

/// How a case came out.
public enum ConformanceOutcome: String, Sendable, CaseIterable {
  case passed, failed
  /// It could not be judged, for a reason that the detail says.
  case notRun = "not-run"
}

/// The outcome of one case.
public struct ConformanceResult: Sendable {
  /// The stable id of the case.
  public let id: String
  /// How it came out.
  public let outcome: ConformanceOutcome
  /// What was wrong, or in which manner it passed; empty when there is nothing to say.
  public let detail: String

  /// An outcome with what there is to say of it.
  public init(id: String, outcome: ConformanceOutcome, detail: String) {
    self.id = id
    self.outcome = outcome
    self.detail = detail
  }
}
