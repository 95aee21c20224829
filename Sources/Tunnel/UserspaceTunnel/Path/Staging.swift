import CLinux
import Glibc
import WireGuard

/// Packets of one peer that wait for a session: at most `Implementation.stagedLimit`, the oldest goes first.
///
/// The sending thread's own. Memory is taken when the first packet waits and given back with the last.
@safe struct StagedRing {
  /// A packet: its length and its octets, in one allocation.
  @unsafe struct Item {
    var octets: Octets
    var length: Int32
    var ecn: Int32
  }

  static let limit = Implementation.stagedLimit
  private var items: UnsafeMutablePointer<Item>
  private var head = 0
  private(set) var count = 0

  /// An empty ring.
  static func make() -> UnsafeMutablePointer<StagedRing> {
    let ring = UnsafeMutablePointer<StagedRing>.allocate(capacity: 1)
    unsafe ring.initialize(to: StagedRing(items: .allocate(capacity: limit)))
    return unsafe ring
  }

  /// Gives everything back.
  static func free(_ ring: UnsafeMutablePointer<StagedRing>, _ pool: inout StagingPool) {
    while let item = unsafe ring.pointee.takeFirst() { unsafe pool.free(item) }
    unsafe ring.pointee.items.deallocate()
    unsafe ring.deallocate()
  }

  /// Puts a packet behind the others; the caller has made room.
  mutating func append(_ item: Item) {
    unsafe items[(head &+ count) % Self.limit] = unsafe item
    count &+= 1
  }

  /// The oldest packet, which is the caller's now.
  mutating func takeFirst() -> Item? {
    guard count > 0 else { return nil }
    let item = unsafe items[head]
    head = (head &+ 1) % Self.limit
    count &-= 1
    return unsafe item
  }
}

/// What all waiting packets of a device may use together.
struct StagingPool {
  /// Octets at most; the same for one peer and for a thousand.
  static let limit = 4 << 20
  private(set) var used = 0

  /// A copy of a packet; nil when the limit is reached.
  mutating func copy(_ packet: Octets, _ length: Int, ecn: Int) -> StagedRing.Item? {
    guard used &+ length <= Self.limit, let octets = unsafe malloc(max(length, 1)) else { return nil }
    used &+= length
    unsafe memcpy(octets, packet, length)
    return unsafe StagedRing.Item(octets: octets, length: Int32(truncatingIfNeeded: length), ecn: Int32(ecn))
  }

  /// Gives a packet's memory back.
  mutating func free(_ item: StagedRing.Item) {
    unsafe used &-= Int(item.length)
    unsafe Glibc.free(item.octets)
  }
}

/// Lets a packet wait; counts what has to go for it. Cold: a peer without a session is not fast.
@inline(never)
func stage(
  _ packet: Octets, _ length: Int, ecn: Int, for peer: UnsafeMutablePointer<PeerHot>, _ pool: inout StagingPool,
  _ counters: UnsafeMutablePointer<UInt64>
) {
  let ring = unsafe peer.pointee.staged ?? StagedRing.make()
  unsafe peer.pointee.staged = unsafe ring
  if unsafe ring.pointee.count == StagedRing.limit, let oldest = unsafe ring.pointee.takeFirst() {
    unsafe pool.free(oldest)
    unsafe count(.stagedOverflow, counters)
  }
  if let item = unsafe pool.copy(packet, length, ecn: ecn) {
    unsafe ring.pointee.append(item)
    unsafe cl_store_relaxed(&peer.pointee.hasStaged, 1)
  } else {
    unsafe count(.stagedGlobal, counters)
  }
}

/// Drops everything that waits for a peer; how many packets that were.
@inline(never)
func dropStaged(of peer: UnsafeMutablePointer<PeerHot>, _ pool: inout StagingPool) -> Int {
  guard let ring = unsafe peer.pointee.staged else { return 0 }
  let count = unsafe ring.pointee.count
  unsafe StagedRing.free(ring, &pool)
  unsafe peer.pointee.staged = nil
  unsafe cl_store_relaxed(&peer.pointee.hasStaged, 0)
  return count
}

/// Counts one; only the thread that owns the counter.
@inline(__always)
func count(_ counter: Counter, _ counters: UnsafeMutablePointer<UInt64>, _ by: Int = 1) {
  unsafe cl_count(counters + counter.rawValue, UInt64(truncatingIfNeeded: by))
}
