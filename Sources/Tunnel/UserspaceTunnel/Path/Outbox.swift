import CLinux
import Glibc

/// Sealed messages on their way to the sockets: put one behind the other in one slab, messages of equal length to one
/// place as one datagram with UDP_SEGMENT, and everything in as few calls as there are families.
///
/// The sending thread's own.
@safe struct Outbox {
  /// Datagrams of one call.
  static let entryLimit = 64
  /// Segments of one datagram that every kernel takes.
  static let segmentLimit = 64
  /// Octets of one datagram, with room for the headers that the kernel adds: 45 messages of an MTU of 1,420 octets.
  static let datagramLimit = 65_400
  /// The largest message: an inner packet of 65,535 octets with header and tag.
  static let messageLimit = 65_535 + 32
  /// Octets before the slab's first message, for a cipher that works ahead of its text.
  static let headroom = 64
  private static let size = 256 << 10

  @unsafe private struct Entry {
    var endpoint: UnsafeMutablePointer<EndpointHot>
    var start: Int
    var length: Int
    var segment: Int
    var segments: Int
    var isClosed: Bool
    var trafficClass: Int32
  }

  private let slab: Octets
  private let entries: UnsafeMutablePointer<Entry>
  private let messages: UnsafeMutablePointer<cl_mmsghdr>
  private let vectors: UnsafeMutablePointer<iovec>
  private let controls: UnsafeMutablePointer<UInt8>
  private let counters: UnsafeMutablePointer<UInt64>
  private let shared: UnsafeMutablePointer<SharedHot>
  private var used = 0
  private var lastLength = 0
  private var count = 0
  /// Whether the socket of each family takes UDP_SEGMENT; off for good after an EIO.
  private var segmentsV4: Bool
  private var segmentsV6: Bool

  init(_ shared: UnsafeMutablePointer<SharedHot>, offloads: Bool) {
    unsafe slab = Slab.map(Self.size) + Self.headroom
    unsafe entries = .allocate(capacity: Self.entryLimit)
    unsafe messages = .allocate(capacity: Self.entryLimit)
    unsafe vectors = .allocate(capacity: Self.entryLimit)
    unsafe controls = .allocate(capacity: Self.entryLimit * Int(CL_SEND_CONTROL))
    unsafe counters = shared.pointee.counters
    unsafe self.shared = unsafe shared
    segmentsV4 = offloads
    segmentsV6 = offloads
    unsafe cl_add(&shared.pointee.bytesInPools, UInt64(Self.size))
  }

  /// Gives the memory back.
  func free() {
    unsafe Slab.unmap(slab - Self.headroom, Self.size)
    unsafe entries.deallocate()
    unsafe messages.deallocate()
    unsafe vectors.deallocate()
    unsafe controls.deallocate()
  }

  /// Where the next message goes; there is room for `messageLimit` octets and a cipher's slack.
  @inline(__always) var next: Octets { unsafe slab + used }
  /// Octets that wait.
  @inline(__always) var waiting: Int { used }

  /// Takes the message of `length` octets that was written to `next`.
  @inline(__always)
  mutating func append(_ length: Int, to endpoint: UnsafeMutablePointer<EndpointHot>, trafficClass: Int) {
    let start = used
    used &+= length
    lastLength = length
    if count > 0 {
      let last = unsafe entries + (count &- 1)
      let fits =
        unsafe !last.pointee.isClosed && last.pointee.endpoint == endpoint
        && length <= last.pointee.segment && Int(last.pointee.trafficClass) == trafficClass
        && last.pointee.length &+ length <= Self.datagramLimit && last.pointee.segments < Self.segmentLimit
      if fits {
        unsafe last.pointee.length &+= length
        unsafe last.pointee.segments &+= 1
        // Only the last segment may be shorter.
        if unsafe length < last.pointee.segment { unsafe last.pointee.isClosed = true }
        return
      }
    }
    let mayGrow = unsafe endpoint.pointee.isV6 ? segmentsV6 : segmentsV4
    unsafe entries[count] = unsafe Entry(
      endpoint: endpoint, start: start, length: length, segment: length, segments: 1,
      isClosed: !mayGrow || endpoint.pointee.refusesSegments != 0, trafficClass: Int32(truncatingIfNeeded: trafficClass)
    )
    count &+= 1
  }

  /// Whether `flush` has to come before another message. One more of the last one's length would begin a datagram of its
  /// own, which costs as much as the full one before it.
  @inline(__always) var isFull: Bool { used &+ lastLength > Self.datagramLimit || count == Self.entryLimit }

  /// Gives the pages back that were touched. Only while nothing waits.
  mutating func giveBack() { unsafe Slab.giveBack(slab - Self.headroom, Self.size) }

  /// Sends everything that waits, in order for each family. What cannot be sent is counted.
  mutating func flush() {
    guard count > 0 else { return }
    var done = 0
    while done < count { done = sendFrom(done) }
    count = 0
    used = 0
  }

  /// Sends entries of one family from `first` on; the next that is still to be sent.
  private mutating func sendFrom(_ first: Int) -> Int {
    let isV6 = unsafe entries[first].endpoint.pointee.isV6
    var end = first
    while unsafe end < count && entries[end].endpoint.pointee.isV6 == isV6 {
      prepare(end)
      end &+= 1
    }
    let socket = unsafe Int32(truncatingIfNeeded: isV6 ? shared.pointee.socketV6 : shared.pointee.socketV4)
    guard socket >= 0 else {
      unsafe UserspaceTunnel.count(.sendFailed, counters, end &- first)
      return end
    }
    let sent = unsafe Int(cl_sendmmsg(socket, messages + first, UInt32(truncatingIfNeeded: end &- first), 0))
    let code = sent < 0 ? errno : 0
    unsafe UserspaceTunnel.count(.sentCalls, counters)
    if sent > 0 {
      unsafe UserspaceTunnel.count(.sentDatagrams, counters, sent)
      return first &+ sent
    }
    return recover(first, socket, isV6, code)
  }

  @inline(__always) private func prepare(_ at: Int) {
    let entry = unsafe entries + at
    let endpoint = unsafe entry.pointee.endpoint
    unsafe vectors[at] = unsafe iovec(iov_base: slab + entry.pointee.start, iov_len: entry.pointee.length)
    let control = unsafe controls + at &* Int(CL_SEND_CONTROL)
    let segment = unsafe entry.pointee.segments > 1 ? entry.pointee.segment : 0
    // Safe: the source's sixteen octets are read while the endpoint lives, which is as long as the batch.
    let length = unsafe withUnsafeBytes(of: &endpoint.pointee.source) { source in
      unsafe cl_write_control(
        control, endpoint.pointee.isV6 ? 1 : 0, UInt16(truncatingIfNeeded: segment),
        UInt8(truncatingIfNeeded: entry.pointee.trafficClass), source.baseAddress?.assumingMemoryBound(to: UInt8.self),
        endpoint.pointee.sourceLength, endpoint.pointee.interface)
    }
    unsafe messages[at] = unsafe cl_mmsghdr(
      msg_hdr: msghdr(
        msg_name: UnsafeMutableRawPointer(endpoint), msg_namelen: endpoint.pointee.addressLength,
        msg_iov: vectors + at, msg_iovlen: 1, msg_control: length > 0 ? UnsafeMutableRawPointer(control) : nil,
        msg_controllen: length, msg_flags: 0),
      msg_len: 0)
  }

  /// The first entry was refused with `code`: what is done about it, and where to go on.
  @inline(never)
  private mutating func recover(_ first: Int, _ socket: Int32, _ isV6: Bool, _ code: Int32) -> Int {
    let entry = unsafe entries + first
    let isSegmented = unsafe entry.pointee.segments > 1
    switch code {
    case EINTR: return first
    case EAGAIN, ENOBUFS:
      // The socket or the queue below it is full: wait for room, a second at most, and then count the loss.
      unsafe UserspaceTunnel.count(.sendRetried, counters)
      if waitForRoom(socket, code) { return first }
    case EIO where isSegmented:
      // The device cannot compute checksums, so it takes no segments: off for this socket (dataplane of many NICs).
      if isV6 { segmentsV6 = false } else { segmentsV4 = false }
      unsafe UserspaceTunnel.count(.segmentationOff, counters)
      return sendOneByOne(first, socket)
    case EINVAL where isSegmented, EMSGSIZE where isSegmented:
      // Segments that do not fit the route's MTU are refused, while single datagrams are fragmented; a source that is no
      // address of ours any more is refused either way, and cleared.
      let hadSource = unsafe entry.pointee.endpoint.pointee.hasSource
      let sent = sendOneByOne(first, socket)
      if unsafe entry.pointee.endpoint.pointee.hasSource == hadSource {
        unsafe cl_store_relaxed(&entry.pointee.endpoint.pointee.refusesSegments, 1)
        unsafe UserspaceTunnel.count(.segmentationRefused, counters)
      }
      return sent
    case EINVAL, EADDRNOTAVAIL, ENETUNREACH, EHOSTUNREACH:
      if unsafe entry.pointee.endpoint.pointee.hasSource {
        // Our address went away: let the kernel choose until the peer tells us another.
        unsafe entry.pointee.endpoint.pointee.sourceLength = 0
        unsafe UserspaceTunnel.count(.sourceCleared, counters)
        return first
      }
    default: break
    }
    unsafe UserspaceTunnel.count(.sendFailed, counters, entry.pointee.segments)
    return first &+ 1
  }

  private func waitForRoom(_ socket: Int32, _ code: Int32) -> Bool {
    if code == ENOBUFS {
      var pause = timespec(tv_sec: 0, tv_nsec: 200_000)
      unsafe nanosleep(&pause, nil)
      return unsafe cl_load_relaxed(&shared.pointee.isStopping) == 0
    }
    var descriptor = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
    return unsafe cl_poll(&descriptor, 1, 1_000) > 0
  }

  /// Sends the segments of an entry as single datagrams.
  private func sendOneByOne(_ at: Int, _ socket: Int32) -> Int {
    let entry = unsafe entries + at
    let total = unsafe entry.pointee.length
    let segment = unsafe entry.pointee.segment
    unsafe entry.pointee.segments = 1
    var offset = 0
    while offset < total {
      prepare(at)
      let length = min(segment, total &- offset)
      unsafe vectors[at] = unsafe iovec(iov_base: slab + (entry.pointee.start &+ offset), iov_len: length)
      if unsafe cl_sendmmsg(socket, messages + at, 1, 0) < 0 {
        let code = errno
        if code == EAGAIN || code == ENOBUFS {
          unsafe UserspaceTunnel.count(.sendRetried, counters)
          if waitForRoom(socket, code) { continue }
        } else if code == EINVAL, unsafe entry.pointee.endpoint.pointee.hasSource {
          unsafe entry.pointee.endpoint.pointee.sourceLength = 0
          unsafe UserspaceTunnel.count(.sourceCleared, counters)
          continue
        }
        unsafe UserspaceTunnel.count(.sendFailed, counters)
      } else {
        unsafe UserspaceTunnel.count(.sentDatagrams, counters)
      }
      offset &+= length
    }
    return at &+ 1
  }
}
