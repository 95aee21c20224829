public import NetworkTypes

/// Which peer owns which range (whitepaper, 2): cryptokey routing, as the control thread holds it.
///
/// A range has one owner; giving it to another peer takes it from the first. The packet path reads a `Snapshot`.
public struct AllowedIPs: Sendable {
  private var owners: [Prefix: PeerSlot] = [:]
  private var ranges: [PeerSlot: Set<Prefix>] = [:]
  public init() {}

  /// How many ranges there are.
  public var count: Int { owners.count }

  /// Gives a range to a peer, whoever had it.
  public mutating func insert(_ prefix: Prefix, for slot: PeerSlot) {
    if let owner = owners.updateValue(slot, forKey: prefix), owner != slot { ranges[owner]?.remove(prefix) }
    ranges[slot, default: []].insert(prefix)
  }

  /// Takes a range from a peer; another peer's stays.
  public mutating func remove(_ prefix: Prefix, from slot: PeerSlot) {
    guard owners[prefix] == slot else { return }
    owners[prefix] = nil
    ranges[slot]?.remove(prefix)
  }

  /// Takes every range from a peer.
  public mutating func removeAll(of slot: PeerSlot) {
    for prefix in ranges.removeValue(forKey: slot) ?? [] { owners[prefix] = nil }
  }

  /// A peer's ranges by family, address and length.
  public func ranges(of slot: PeerSlot) -> [Prefix] { (ranges[slot] ?? []).sorted() }

  /// Whether a peer has a range.
  func hasRanges(_ slot: PeerSlot) -> Bool { ranges[slot]?.isEmpty == false }

  /// The table as it is now, for the packet path.
  public func snapshot() -> Snapshot { Snapshot(owners.map { (prefix: $0.key, slot: $0.value) }) }
}

extension AllowedIPs {
  /// An immutable table; the control thread keeps it alive while a packet path holds its `view`.
  ///
  /// Safe: the nodes are written before the initialiser returns, never after, and freed with the object.
  @safe public final class Snapshot: @unchecked Sendable {
    /// What the packet path looks addresses up in; it must not outlive the snapshot.
    public let view: View
    private let v4: UnsafeMutableBufferPointer<View.Node4>
    private let v6: UnsafeMutableBufferPointer<View.Node6>

    init(_ routes: [(prefix: Prefix, slot: PeerSlot)]) {
      let all = routes.map { route in
        switch route.prefix.address {
        case .v4(let value): Trie.Route(bits: UInt128(value) << 96, length: route.prefix.length, slot: route.slot.index)
        case .v6(let value): Trie.Route(bits: value, length: route.prefix.length, slot: route.slot.index)
        }
      }
      let isV4 = routes.map { $0.prefix.address.family == .v4 }
      let nodes4 = Trie(zip(all, isV4).filter(\.1).map(\.0)).nodes
      let nodes6 = Trie(zip(all, isV4).filter { !$0.1 }.map(\.0)).nodes
      unsafe v4 = .allocate(capacity: max(nodes4.count, 1))
      unsafe v6 = .allocate(capacity: max(nodes6.count, 1))
      for (index, node) in nodes4.enumerated() { unsafe v4.initializeElement(at: index, to: View.Node4(node)) }
      for (index, node) in nodes6.enumerated() { unsafe v6.initializeElement(at: index, to: View.Node6(node)) }
      unsafe view = View(
        v4.baseAddress!, isEmpty4: nodes4.isEmpty, v6.baseAddress!, isEmpty6: nodes6.isEmpty)
    }

    deinit {
      unsafe v4.deallocate()
      unsafe v6.deallocate()
    }

    /// The peer that owns an address; nil when nobody does.
    public func owner(of address: IPAddress) -> PeerSlot? {
      let index =
        switch address {
        case .v4(let value): view.lookUp(value)
        case .v6(let value):
          view.lookUp(high: UInt64(truncatingIfNeeded: value >> 64), low: UInt64(truncatingIfNeeded: value))
        }
      return index < 0 ? nil : PeerSlot(index: index)
    }
  }

  /// Two tries in flat memory, to be read without allocation, reference counting and locks.
  ///
  /// Safe: children are indices that the builder made, each behind its parent, so a walk stays inside and ends.
  @frozen @safe public struct View: @unchecked Sendable {
    /// A node of the IPv4 trie: 20 bytes.
    @frozen public struct Node4 {
      @usableFromInline var bits: UInt32
      @usableFromInline var mask: UInt32
      @usableFromInline var slot: Int32
      @usableFromInline var left: Int32
      @usableFromInline var right: Int32
    }

    /// A node of the IPv6 trie: 48 bytes.
    @frozen public struct Node6 {
      @usableFromInline var high: UInt64
      @usableFromInline var low: UInt64
      @usableFromInline var highMask: UInt64
      @usableFromInline var lowMask: UInt64
      @usableFromInline var slot: Int32
      @usableFromInline var left: Int32
      @usableFromInline var right: Int32
      @usableFromInline var length: UInt32
    }

    @usableFromInline let v4: UnsafePointer<Node4>
    @usableFromInline let v6: UnsafePointer<Node6>
    @usableFromInline let root4: Int32
    @usableFromInline let root6: Int32

    @unsafe init(_ v4: UnsafePointer<Node4>, isEmpty4: Bool, _ v6: UnsafePointer<Node6>, isEmpty6: Bool) {
      unsafe self.v4 = v4
      unsafe self.v6 = v6
      root4 = isEmpty4 ? -1 : 0
      root6 = isEmpty6 ? -1 : 0
    }

    /// The slot of the peer that owns an IPv4 address (its first octet highest); -1 for nobody.
    @inlinable public func lookUp(_ address: UInt32) -> Int32 {
      var best: Int32 = -1
      var at = root4
      while at >= 0 {
        let node = unsafe v4 + Int(at)
        if unsafe (address ^ node.pointee.bits) & node.pointee.mask != 0 { break }
        let slot = unsafe node.pointee.slot
        if slot >= 0 { best = slot }
        // The first bit behind the mask; none is left behind a mask of ones, where there are no children either.
        let next = unsafe address & (~node.pointee.mask ^ (~node.pointee.mask >> 1))
        at = unsafe next == 0 ? node.pointee.left : node.pointee.right
      }
      return best
    }

    /// The slot of the peer that owns an IPv6 address, given as its two halves, each with its first octet highest; -1
    /// for nobody.
    @inlinable public func lookUp(high: UInt64, low: UInt64) -> Int32 {
      var best: Int32 = -1
      var at = root6
      while at >= 0 {
        let node = unsafe v6 + Int(at)
        let difference =
          unsafe (high ^ node.pointee.high) & node.pointee.highMask
          | (low ^ node.pointee.low) & node.pointee.lowMask
        if difference != 0 { break }
        let slot = unsafe node.pointee.slot
        if slot >= 0 { best = slot }
        let length = unsafe node.pointee.length
        let half = length < 64 ? high : low
        let next = (half &<< UInt64(truncatingIfNeeded: length & 63)) >> 63
        at = unsafe next == 0 ? node.pointee.left : node.pointee.right
      }
      return best
    }
  }
}

extension AllowedIPs.View.Node4 {
  init(_ node: Trie.Node) {
    bits = UInt32(truncatingIfNeeded: node.bits >> 96)
    mask = UInt32(truncatingIfNeeded: Trie.mask(node.length) >> 96)
    (slot, left, right) = (node.slot, node.left, node.right)
  }
}

extension AllowedIPs.View.Node6 {
  init(_ node: Trie.Node) {
    let mask = Trie.mask(node.length)
    high = UInt64(truncatingIfNeeded: node.bits >> 64)
    low = UInt64(truncatingIfNeeded: node.bits)
    highMask = UInt64(truncatingIfNeeded: mask >> 64)
    lowMask = UInt64(truncatingIfNeeded: mask)
    (slot, left, right, length) = (node.slot, node.left, node.right, UInt32(node.length))
  }
}
