import CCrypto
import CLinux
import Cryptography
import Diagnostics
import Glibc
import NetworkTypes
import WireGuard

/// The tables that the threads read, and the memory that they may still hold: a table is replaced as a whole, and freed
/// when both threads have passed the end of a batch since.
extension Dataplane {
  // MARK: tables

  /// Whether a session with this index would have a place of its own.
  func isFree(_ index: UInt32) -> Bool {
    guard let table = unsafe shared.pointee.sessions?.assumingMemoryBound(to: IndexTable.self) else { return true }
    return unsafe table.pointee.entries[Int(index & table.pointee.mask)] == nil
  }

  /// Publishes the routes, with the peers as they are now.
  func publishRoutes(_ new: AllowedIPs.Snapshot?) {
    guard let new else { return }
    let count = Int((unsafe peers.keys.max() ?? -1) + 1)
    let places = UnsafeMutablePointer<UnsafeMutablePointer<PeerHot>?>.allocate(capacity: max(count, 1))
    unsafe places.initialize(repeating: nil, count: max(count, 1))
    unsafe peers.forEach { slot, peer in unsafe places[Int(slot)] = unsafe peer.hot }
    let table = UnsafeMutablePointer<RouteTable>.allocate(capacity: 1)
    unsafe table.initialize(to: RouteTable(view: new.view, peers: places, count: count))
    let old = unsafe shared.pointee.routes
    unsafe cl_pointer_release(&shared.pointee.routes, table)
    if let old = unsafe old { unsafe discard(.routes(old.assumingMemoryBound(to: RouteTable.self), snapshot)) }
    snapshot = new
  }

  func publish(_ session: UnsafeMutablePointer<SessionHot>) {
    guard var table = unsafe shared.pointee.sessions?.assumingMemoryBound(to: IndexTable.self) else { return }
    let index = unsafe session.pointee.localIndex
    while let other = unsafe table.pointee.entries[Int(index & table.pointee.mask)],
      unsafe other != UnsafeMutableRawPointer(session)
    {
      // Two handshakes that ran at once were given the same place: a wider table tells them apart.
      unsafe table = unsafe grow(table)
    }
    unsafe cl_pointer_release(table.pointee.entries + Int(index & table.pointee.mask), session)
    let used = unsafe peers.values.reduce(0) { unsafe $0 + $1.sessions.count }
    if unsafe used * 4 > Int(table.pointee.mask) { unsafe _ = grow(table) }
  }

  func grow(_ old: UnsafeMutablePointer<IndexTable>) -> UnsafeMutablePointer<IndexTable> {
    let count = unsafe (Int(old.pointee.mask) + 1) * 2
    let table = unsafe IndexTable.make(count: count)
    for place in 0..<count / 2 {
      guard let entry = unsafe old.pointee.entries[place] else { continue }
      let index = unsafe entry.assumingMemoryBound(to: SessionHot.self).pointee.localIndex
      unsafe table.pointee.entries[Int(index) & (count - 1)] = unsafe entry
    }
    unsafe cl_pointer_release(&shared.pointee.sessions, table)
    unsafe discard(.table(old))
    return unsafe table
  }

  func unpublish(_ session: UnsafeMutablePointer<SessionHot>) {
    if let table = unsafe shared.pointee.sessions?.assumingMemoryBound(to: IndexTable.self) {
      let place = unsafe table.pointee.entries + Int(session.pointee.localIndex & table.pointee.mask)
      if unsafe place.pointee == UnsafeMutableRawPointer(session) { unsafe cl_pointer_release(place, nil) }
    }
    unsafe discard(.session(session))
  }

  // MARK: reclamation

  /// What was taken out of reach, and since when.
  @unsafe struct Garbage {
    @unsafe enum What {
      case session(UnsafeMutablePointer<SessionHot>)
      case endpoint(UnsafeMutablePointer<EndpointHot>)
      case peer(UnsafeMutablePointer<PeerHot>)
      case table(UnsafeMutablePointer<IndexTable>)
      case routes(UnsafeMutablePointer<RouteTable>, AllowedIPs.Snapshot?)
    }
    var what: What
    var epoch: UInt64
  }

  func discard(_ what: Garbage.What) {
    // A thread that begins a batch after this sees the new epoch and nothing of what was taken out.
    let epoch = unsafe cl_load_ordered(&shared.pointee.epoch) + 1
    unsafe cl_store_ordered(&shared.pointee.epoch, epoch)
    unsafe garbage.append(Garbage(what: what, epoch: epoch))
  }

  /// Whether something waits for a thread to let go of it; then call `reclaim` again soon.
  var hasGarbage: Bool { unsafe !garbage.isEmpty }

  /// Frees what no thread can hold: each is outside a batch, or began its batch later.
  func reclaim() {
    guard hasGarbage else { return }
    cl_fence()
    let sending = unsafe cl_load_ordered(&shared.pointee.sendingEpoch)
    let receiving = unsafe cl_load_ordered(&shared.pointee.receivingEpoch)
    let hasOrders = threads != nil && orders.count > 0
    unsafe garbage.removeAll { item in
      guard unsafe sending == 0 || sending >= item.epoch, unsafe receiving == 0 || receiving >= item.epoch else {
        return false
      }
      // A peer may stand in the queue of orders still.
      if hasOrders, case .peer = unsafe item.what { return false }
      unsafe free(item.what)
      return true
    }
  }

  func free(_ what: Garbage.What) {
    switch unsafe what {
    case .session(let session):
      unsafe EVP_CIPHER_CTX_free(session.pointee.sealing)
      unsafe EVP_CIPHER_CTX_free(session.pointee.opening)
      unsafe session.pointee.window.deallocate()
      unsafe session.deallocate()
    case .endpoint(let endpoint): unsafe endpoint.deallocate()
    case .peer(let peer):
      // The receiving thread may have put a place there after the peer was forgotten.
      if let place = unsafe peer.pointee.endpoint {
        unsafe free(.endpoint(place.assumingMemoryBound(to: EndpointHot.self)))
      }
      unsafe peer.deallocate()
    case .table(let table):
      unsafe table.pointee.entries.deallocate()
      unsafe table.deallocate()
    case .routes(let table, _):
      unsafe table.pointee.peers.deallocate()
      unsafe table.deallocate()
    }
  }

  /// Frees a peer with its sessions; only when no thread runs.
  func free(_ peer: Peer) {
    unsafe peer.sessions.values.forEach { session in unsafe free(.session(session)) }
    unsafe free(.peer(peer.hot))
  }
}
