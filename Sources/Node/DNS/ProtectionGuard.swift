/// Whether names may be asked for outside, as a state machine that fails closed (requirement P4-4).
public struct ProtectionGuard: Sendable, Equatable {
  /// What the operator wants.
  public enum Mode: String, Sendable, CaseIterable {
    /// Nothing is demanded.
    case disabled
    /// Nothing leaves without the tunnel.
    case tunnel
    /// Nothing leaves without the tunnel and its resolver.
    case tunnelAndDNS = "tunnel+dns"
  }

  /// What may leave.
  public enum State: String, Sendable, CaseIterable {
    /// Every upstream may be asked.
    case open
    /// Only protected upstreams may be asked: through the tunnel's interface, or over TLS.
    case protected
    /// Nothing leaves; names of the mesh are answered, everything else fails.
    case blocked
  }

  /// What happens to the node.
  public enum Event: Sendable, Equatable {
    case modeChanged(Mode)
    case tunnelUp, tunnelDown
    case resolverUp, resolverDown
    /// The state of the tunnel is not known any more: its watcher died, or the trust state is gone.
    case unknown
  }

  /// What the owner must do when the state has changed.
  public enum Effect: Sendable, Equatable {
    /// Abandon every question that is on its way, and answer those who wait.
    case abandon
    /// Forget the answers that came in another state: they may come from resolvers that are not allowed now.
    case forget
  }

  /// What the operator wants now.
  public private(set) var mode: Mode
  private var isTunnelUp = false
  private var isResolverUp = false

  /// A guard in a mode; tunnel and resolver count as down until their events say otherwise.
  public init(mode: Mode) { self.mode = mode }

  /// The state that follows from what is known.
  public var state: State {
    switch mode {
    case .disabled: .open
    case .tunnel: isTunnelUp ? .protected : .blocked
    case .tunnelAndDNS: isTunnelUp && isResolverUp ? .protected : .blocked
    }
  }

  /// Takes an event; what it returns must be done before the next question is answered.
  public mutating func handle(_ event: Event) -> [Effect] {
    let before = state
    switch event {
    case .modeChanged(let mode): self.mode = mode
    case .tunnelUp: isTunnelUp = true
    // The resolver is reached through the tunnel, so it must prove itself again.
    case .tunnelDown: (isTunnelUp, isResolverUp) = (false, false)
    case .resolverUp: isResolverUp = true
    case .resolverDown: isResolverUp = false
    case .unknown: (isTunnelUp, isResolverUp) = (false, false)
    }
    return state == before ? [] : [.abandon, .forget]
  }
}
