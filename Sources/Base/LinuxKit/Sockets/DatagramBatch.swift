import CLinux
import Glibc

/// Datagrams that are received and answered many at a time, in buffers that are made once.
@safe
public struct DatagramBatch: ~Copyable {
  /// Datagrams of one call.
  public static let capacity = 32
  /// The longest datagram that is taken: no query is longer.
  public static let receiveLimit = 4096
  /// The longest that is sent.
  public static let sendLimit = 2048

  /// Octets of a datagram and its reply.
  private static let slot = receiveLimit + sendLimit

  // Safe to keep: the buffers belong to this value alone, which cannot be copied, and go away with it.
  private let memory: UnsafeMutableRawPointer
  private let received: UnsafeMutablePointer<cl_mmsghdr>
  private let replies: UnsafeMutablePointer<cl_mmsghdr>
  private let vectors: UnsafeMutablePointer<iovec>
  private let peers: UnsafeMutablePointer<sockaddr_in6>

  /// Buffers for one loop; about 200 KB.
  public init() {
    let slot = DatagramBatch.slot
    let capacity = DatagramBatch.capacity
    unsafe memory = .allocate(byteCount: slot * capacity, alignment: 64)
    unsafe received = .allocate(capacity: capacity)
    unsafe replies = .allocate(capacity: capacity)
    unsafe vectors = .allocate(capacity: capacity * 2)
    unsafe peers = .allocate(capacity: capacity)
    unsafe received.initialize(repeating: cl_mmsghdr(), count: capacity)
    unsafe replies.initialize(repeating: cl_mmsghdr(), count: capacity)
    unsafe peers.initialize(repeating: sockaddr_in6(), count: capacity)
    for index in 0..<capacity {
      let start = unsafe memory + slot * index
      unsafe (vectors + index).initialize(to: iovec(iov_base: start, iov_len: DatagramBatch.receiveLimit))
      unsafe (vectors + capacity + index).initialize(
        to: iovec(iov_base: start + DatagramBatch.receiveLimit, iov_len: 0))
      unsafe received[index].msg_hdr.msg_iov = vectors + index
      unsafe received[index].msg_hdr.msg_iovlen = 1
      unsafe received[index].msg_hdr.msg_name = UnsafeMutableRawPointer(peers + index)
    }
  }

  deinit {
    unsafe memory.deallocate()
    unsafe received.deallocate()
    unsafe replies.deallocate()
    unsafe vectors.deallocate()
    unsafe peers.deallocate()
  }

  /// Receives what is there, lets `answer` write a reply to each datagram, and sends the replies. `answer` gets the
  /// datagram, who sent it, and the buffer; it returns the octets of the reply, 0 for none. The result is how many came.
  ///
  /// Safe because the buffers are this value's own, each datagram has its slot, and spans do not outlive a call.
  public mutating func serve(
    _ socket: borrowing Socket,
    _ answer: (Span<UInt8>, SocketAddress, inout MutableSpan<UInt8>) -> Int
  ) -> Int {
    let (capacity, slot) = (DatagramBatch.capacity, DatagramBatch.slot)
    for index in 0..<capacity {
      unsafe received[index].msg_hdr.msg_namelen = socklen_t(MemoryLayout<sockaddr_in6>.size)
    }
    let count = unsafe Int(cl_recvmmsg(socket.number, received, UInt32(capacity), 0, nil))
    guard count > 0 else { return 0 }
    var pending = 0
    for index in 0..<count {
      // What was cut off is no query.
      guard unsafe received[index].msg_hdr.msg_flags & Int32(MSG_TRUNC) == 0 else { continue }
      var peer = SocketAddress()
      unsafe peer.storage = peers[index]
      peer.length = unsafe received[index].msg_hdr.msg_namelen
      let start = unsafe (memory + slot * index).assumingMemoryBound(to: UInt8.self)
      let datagram = unsafe UnsafeBufferPointer(start: start, count: Int(received[index].msg_len))
      let room = unsafe UnsafeMutableBufferPointer(
        start: start + DatagramBatch.receiveLimit, count: DatagramBatch.sendLimit)
      var out = unsafe MutableSpan(_unsafeElements: room)
      let length = unsafe answer(Span(_unsafeElements: datagram), peer, &out)
      guard length > 0 else { continue }
      unsafe vectors[capacity + index].iov_len = length
      unsafe replies[pending].msg_hdr.msg_iov = vectors + capacity + index
      unsafe replies[pending].msg_hdr.msg_iovlen = 1
      unsafe replies[pending].msg_hdr.msg_name = received[index].msg_hdr.msg_name
      unsafe replies[pending].msg_hdr.msg_namelen = received[index].msg_hdr.msg_namelen
      pending += 1
    }
    send(pending, on: socket)
    return count
  }

  private func send(_ count: Int, on socket: borrowing Socket) {
    var sent = 0
    while sent < count {
      let done = unsafe Int(cl_sendmmsg(socket.number, replies + sent, UInt32(count - sent), 0))
      // The first of the rest cannot be sent, perhaps to a forged address: the others can.
      sent += max(done, 1)
    }
  }
}
