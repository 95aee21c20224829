public import Diagnostics
import Synchronization
public import Wire
public import X509

/// An authority of a trusted root, as the root describes it; whether its own chain holds together is judged when the
/// authority is first needed, because that costs as much as a bundle, and most bundles need one authority of several.
///
/// Safe: what is made once is made under a lock; everybody gets the same answer.
public final class TrustedAuthority<Authority: Sendable>: Sendable {
  /// The chain: issuing or signing certificate first, root last.
  public let chain: [Certificate]
  /// The first second of trust.
  public let validFrom: Timestamp
  /// The last second of trust, nil while it lasts.
  public let validUntil: Timestamp?
  /// Where it is, where the root says so.
  public let uri: String?

  private let make: @Sendable (TrustedAuthority) throws(Problem) -> Authority
  private let made = Mutex<Result<Authority, Problem>?>(nil)

  init(
    chain: [Certificate], validFrom: Timestamp, validUntil: Timestamp?, uri: String?,
    make: @escaping @Sendable (TrustedAuthority) throws(Problem) -> Authority
  ) {
    self.chain = chain
    self.validFrom = validFrom
    self.validUntil = validUntil
    self.uri = uri
    self.make = make
  }

  /// The authority; the problem of its chain, every time, where that does not hold together.
  public func authority() throws(Problem) -> Authority {
    let result = made.withLock { made -> Result<Authority, Problem> in
      if let made { return made }
      let result: Result<Authority, Problem>
      do throws(Problem) { result = .success(try make(self)) } catch { result = .failure(error) }
      made = result
      return result
    }
    return try result.get()
  }
}
