import CLinux
import Glibc
import Testing

@testable import UserspaceTunnel

@Suite struct StagingTests {
  @Test func keepsTheYoungest() {
    let peer = UnsafeMutablePointer<PeerHot>.allocate(capacity: 1)
    unsafe peer.initialize(to: PeerHot(slot: 0))
    defer { unsafe peer.deallocate() }
    var pool = StagingPool()
    var counters = [UInt64](repeating: 0, count: Counter.allCases.count)
    unsafe counters.withUnsafeMutableBufferPointer { counters in
      guard let counters = counters.baseAddress else { return }
      for number in 0..<130 {
        unsafe withOctets([UInt8(number)], room: 1) { unsafe stage($0, 1, ecn: 0, for: peer, &pool, counters) }
      }
    }
    #expect(counters[Counter.stagedOverflow.rawValue] == 2)
    #expect(unsafe pool.used == 128 && peer.pointee.hasStaged == 1)
    let first = unsafe peer.pointee.staged?.pointee.takeFirst()
    #expect(unsafe first?.octets.octet(0) == 2)
    if let first = unsafe first { unsafe pool.free(first) }
    #expect(unsafe dropStaged(of: peer, &pool) == 127)
    #expect(unsafe pool.used == 0 && peer.pointee.staged == nil && peer.pointee.hasStaged == 0)
  }

  @Test func keepsToTheLimitOfAll() {
    var pool = StagingPool()
    unsafe withOctets([], room: 1 << 16) { octets in
      var items: [StagedRing.Item] = unsafe []
      while let item = unsafe pool.copy(octets, 1 << 16, ecn: 0) { unsafe items.append(item) }
      #expect(unsafe items.count == StagingPool.limit >> 16)
      unsafe items.forEach { item in unsafe pool.free(item) }
    }
    #expect(pool.used == 0)
  }

  @Test func passesRecords() {
    let ring = Ring(count: 4, recordSize: 8)
    defer { ring.release() }
    unsafe #expect(ring.first() == nil && ring.count == 0)
    for round in UInt64(0)..<3 {
      for value in UInt64(0)..<4 {
        unsafe ring.free()?.put(raw64: round &* 10 &+ value, 0)
        ring.put()
      }
      unsafe #expect(ring.free() == nil && ring.count == 4)
      for value in UInt64(0)..<4 {
        #expect(unsafe ring.first()?.raw64(0) == round &* 10 &+ value)
        ring.take()
      }
    }
  }

  @Test func givesOutAllowances() {
    var allowance = Allowance(burst: 3, perSecond: 10)
    #expect((0..<5).map { _ in allowance.take(at: 1_000_000_000) } == [true, true, true, false, false])
    #expect(allowance.take(at: 1_100_000_000) && !allowance.take(at: 1_100_000_000))
    #expect((0..<5).map { _ in allowance.take(at: 60_000_000_000) } == [true, true, true, false, false])
  }

  /// A datagram is sent when no further message of its length fits it: a datagram of one message behind each full one
  /// would cost as much again. Without a socket, what is flushed counts as failed, a datagram each.
  @Test(arguments: [(1_452, 45, 1), (1_440, 45, 1), (65_567, 1, 1), (512, 127, 2), (32, 2_043, 32)])
  func fillsDatagrams(length: Int, messages: Int, datagrams: UInt64) {
    let counters = UnsafeMutablePointer<UInt64>.allocate(capacity: Counter.allCases.count)
    unsafe counters.initialize(repeating: 0, count: Counter.allCases.count)
    let shared = UnsafeMutablePointer<SharedHot>.allocate(capacity: 1)
    unsafe shared.initialize(to: SharedHot(counters: counters))
    unsafe shared.pointee.socketV4 = UInt64(bitPattern: -1)
    let endpoint = UnsafeMutablePointer<EndpointHot>.allocate(capacity: 1)
    unsafe endpoint.initialize(to: EndpointHot())
    var outbox = unsafe Outbox(shared, offloads: true)
    defer {
      outbox.free()
      unsafe endpoint.deallocate()
      unsafe shared.deallocate()
      unsafe counters.deallocate()
    }
    for round in UInt64(1)...2 {
      var taken = 0
      while !outbox.isFull || taken == 0 {
        unsafe outbox.append(length, to: endpoint, trafficClass: 0)
        taken += 1
      }
      #expect(taken == messages)
      outbox.flush()
      unsafe #expect(counters[Counter.sendFailed.rawValue] == round * datagrams)
    }
  }

  /// A thread of its own, as not every thread may take it back.
  @Test func addsToANiceValue() {
    var thread = pthread_t()
    let started = unsafe pthread_create(
      &thread, nil,
      { _ in
        let thread = Int32(PRIO_PROCESS.rawValue)
        let before = getpriority(thread, 0)
        cl_be_nice(2)
        cl_be_nice(1)
        return unsafe UnsafeMutableRawPointer(bitPattern: Int(getpriority(thread, 0) - before) + 100)
      }, nil)
    #expect(started == 0)
    var added: UnsafeMutableRawPointer?
    unsafe pthread_join(thread, &added)
    #expect(Int(bitPattern: added) - 100 == 3)
  }
}
