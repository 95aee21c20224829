import CLinux
import Glibc
import WireGuard

/// Where a peer is, as the sending thread needs it. A new place is a new record; only what a path takes changes in one.
struct EndpointHot {
  static var noSource: UInt8 { 255 }
  /// Octets of the largest inner packet that a datagram of UDP over IPv4 holds, padded.
  static var longest: Int { (65_507 - Layout.Transport.minimumLength) & ~15 }
  /// A socket address of IPv4 or IPv6, in a form that `sendmsg` takes.
  var address = sockaddr_storage()
  var addressLength: UInt32 = 0
  var isV6 = false
  /// Our own address that the peer speaks to: 4 or 16 octets of `source`; 0 where none is known yet, `noSource` where
  /// the kernel chooses.
  var sourceLength: UInt8 = 0
  var source: (UInt64, UInt64) = (0, 0)
  var interface: UInt32 = 0
  /// Octets of the largest inner packet that the way there takes in one piece, as far as the routes know. Written by
  /// control.
  var limit = UInt64(longest)
  /// Set by the sending thread when the path refuses segmentation: the segments do not fit the route's MTU.
  var refusesSegments: UInt64 = 0

  /// Whether packets carry a source of our choice.
  @inline(__always) var hasSource: Bool { sourceLength == 4 || sourceLength == 16 }
}

/// One session, reached by its local index. Allocated when it is accepted, freed when no thread can hold it.
@unsafe struct SessionHot {
  // Never changed after it was published.
  var peer: UnsafeMutablePointer<PeerHot>
  var localIndex: UInt32
  var remoteIndex: UInt32
  var isInitiator: Bool
  var born: UInt64
  /// Keyed contexts; nil only before publication.
  var sealing: OpaquePointer?
  var opening: OpaquePointer?

  /// The next counter: the sending thread's own.
  var counter: UInt64 = 0
  /// When a renewal was asked for last, each by the thread that asks.
  var askedOnSend: UInt64 = 0
  var askedOnReceive: UInt64 = 0
  /// Whether the receiving thread reported the first packet.
  var isConfirmed: UInt64 = 0
  /// The receiving thread's own: `ReplayWindow.wordCount` words.
  var window: UnsafeMutablePointer<UInt64>
}

/// One peer. Allocated when it is remembered, freed when it was forgotten and no thread can hold it.
///
/// The two halves that different threads write lie on different cache lines.
@unsafe struct PeerHot {
  var slot: Int32
  /// `UnsafeMutablePointer<SessionHot>?`, written by control with release.
  var sending: UnsafeMutableRawPointer?
  /// `UnsafeMutablePointer<EndpointHot>?`, exchanged by control and, where a peer moves, by the receiving thread: who takes
  /// a record out has it freed.
  var endpoint: UnsafeMutableRawPointer?
  /// What control asks the sending thread to do; bits of `PeerOrder`.
  var orders: UInt64 = 0
  var padding: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  // The sending thread's line. Moments are CLOCK_BOOTTIME in nanoseconds, 0 for never.
  var sentBytes: UInt64 = 0
  var lastSent: UInt64 = 0
  var firstUnansweredSend: UInt64 = 0
  var askedAt: UInt64 = 0
  var hasStaged: UInt64 = 0
  var staged: UnsafeMutablePointer<StagedRing>?
  var sendPadding: (UInt64, UInt64) = (0, 0)

  // The receiving thread's line.
  var receivedBytes: UInt64 = 0
  var lastReceived: UInt64 = 0
  var firstUnansweredReceive: UInt64 = 0
  /// When the peer moved last, so that a batch of packets moves it once.
  var movedAt: UInt64 = 0
  var receivePadding: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
}

/// What control asks of the sending thread for a peer.
enum PeerOrder {
  static let keepalive: UInt64 = 1
  static let flush: UInt64 = 2
  static let drop: UInt64 = 4
  /// As `flush`, but nothing is sent when nothing waits.
  static let staged: UInt64 = 8
}

/// Sessions by the low bits of their local index: a lookup is one load. The device gives out only indices whose place
/// is free. Replaced as a whole when it grows; entries are written by control alone.
@unsafe struct IndexTable {
  var mask: UInt32
  var entries: UnsafeMutablePointer<UnsafeMutableRawPointer?>

  /// A table of `count` places, a power of two.
  static func make(count: Int) -> UnsafeMutablePointer<IndexTable> {
    let entries = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: count)
    unsafe entries.initialize(repeating: nil, count: count)
    let table = UnsafeMutablePointer<IndexTable>.allocate(capacity: 1)
    unsafe table.initialize(to: IndexTable(mask: UInt32(count - 1), entries: entries))
    return unsafe table
  }

  /// The session of an index, or nil.
  @inline(__always) static func find(
    _ table: UnsafeMutablePointer<IndexTable>, _ index: UInt32
  ) -> UnsafeMutablePointer<SessionHot>? {
    let place = unsafe Int(truncatingIfNeeded: index & table.pointee.mask)
    guard let found = unsafe cl_pointer_acquire(table.pointee.entries + place) else { return nil }
    let session = unsafe found.assumingMemoryBound(to: SessionHot.self)
    return unsafe session.pointee.localIndex == index ? session : nil
  }
}

/// What the threads of a device share: published pointers, settings, wake-ups and counters. One cache line a writer.
@unsafe struct SharedHot {
  /// `UnsafeMutablePointer<IndexTable>` and `UnsafeMutablePointer<RouteTable>`.
  var sessions: UnsafeMutableRawPointer?
  var routes: UnsafeMutableRawPointer?
  var mtu: UInt64 = 0
  /// Whether a thread shall end.
  var isStopping: UInt64 = 0
  /// When control wakes by itself; whoever makes an earlier deadline signals `controlEvent`.
  var controlSleepsUntil: UInt64 = 0
  /// The epoch of reclamation.
  var epoch: UInt64 = 1
  var padding: (UInt64, UInt64) = (0, 0)

  /// Where each thread is: the epoch that it works in, 0 while it holds nothing.
  var sendingEpoch: UInt64 = 0
  var sendingPadding: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0)
  var receivingEpoch: UInt64 = 0
  var receivingPadding: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0)

  /// The sockets; -1 where there is none. A rebind replaces them.
  var socketV4: UInt64 = 0
  var socketV6: UInt64 = 0
  /// Counters by `Counter`, `Counter.count` of them.
  var counters: UnsafeMutablePointer<UInt64>
  /// Bytes that both threads have mapped and allocated.
  var bytesInPools: UInt64 = 0
}

/// Everything that is counted in the path. Each is written by one thread, as its comment says.
enum Counter: Int, CaseIterable {
  // The sending thread.
  case malformedInner, noPeer, noEndpoint, stagedOverflow, stagedGlobal, tooBig
  case sendFailed, sendRetried, segmentationOff, segmentationRefused, sourceCleared, sentDatagrams, sentCalls
  case droppedAfterRefusal, icmpSent, clampedSent
  // The receiving thread.
  case shortDatagram, unknownType, unknownIndex, notAuthentic, replayed, expired, malformedReceived, wrongSource
  case handshakeQueueFull, eventQueueFull, congestedNotCapable, tunWriteFailed, coalescingOff, coalesced
  case receivedDatagrams, receivedCalls, truncated, tunWrites, clampedReceived

  /// The name that statistics carry.
  var name: String {
    switch self {
    case .malformedInner: "malformed-inner"
    case .noPeer: "no-peer"
    case .noEndpoint: "no-endpoint"
    case .stagedOverflow: "staged-overflow"
    case .stagedGlobal: "staged-global-limit"
    case .tooBig: "too-big"
    case .sendFailed: "send-failed"
    case .sendRetried: "send-retried"
    case .segmentationOff: "segmentation-off"
    case .segmentationRefused: "segmentation-refused"
    case .sourceCleared: "source-cleared"
    case .sentDatagrams: "sent-datagrams"
    case .sentCalls: "sent-calls"
    case .droppedAfterRefusal: "unanswered"
    case .icmpSent: "icmp-sent"
    case .shortDatagram: "short-datagram"
    case .unknownType: "unknown-type"
    case .unknownIndex: "unknown-index"
    case .notAuthentic: "not-authentic"
    case .replayed: "replayed"
    case .expired: "expired-session"
    case .malformedReceived: "malformed-received"
    case .wrongSource: "wrong-source"
    case .handshakeQueueFull: "handshake-queue-full"
    case .eventQueueFull: "event-queue-full"
    case .congestedNotCapable: "congested-not-capable"
    case .tunWriteFailed: "device-write-failed"
    case .coalescingOff: "coalescing-off"
    case .coalesced: "coalesced-frames"
    case .receivedDatagrams: "received-datagrams"
    case .receivedCalls: "received-calls"
    case .truncated: "truncated"
    case .tunWrites: "device-writes"
    case .clampedSent: "segment-size-lowered-out"
    case .clampedReceived: "segment-size-lowered-in"
    }
  }

  /// Whether it counts packets that were dropped.
  var isDrop: Bool {
    switch self {
    case .sendRetried, .segmentationOff, .segmentationRefused, .sourceCleared, .sentDatagrams, .sentCalls, .icmpSent,
      .coalescingOff, .coalesced, .receivedDatagrams, .receivedCalls, .tunWrites,
      .clampedSent, .clampedReceived:
      false
    default: true
    }
  }
}
