import CMnl
public import Diagnostics
import Glibc

/// A netlink socket of libmnl, in the network namespace that the calling thread is in when it is made.
///
/// One thread at a time. Safe: the pointer is libmnl's own, made in `init`, closed with this object and lent to nobody.
@safe public final class NetlinkSocket {
  /// The protocol that a socket speaks.
  public enum Bus: Int32, Sendable { case route = 0, generic = 16 }

  /// How often a dump begins anew when what it lists changes meanwhile.
  static let dumpAttempts = 20
  /// The receive buffer in bytes: the kernel fills at most 32 KiB of a dump at a time.
  private static let bufferSize = 1 << 16

  private let socket: OpaquePointer
  private var sequence: UInt32 = 0
  private var buffer = [UInt8](repeating: 0, count: bufferSize)

  /// Opens a socket for requests, or, with `groups` (a bit each), for events, which never blocks.
  ///
  /// Throws `netlink.unsupported` and its like.
  public init(_ bus: Bus, groups: UInt32 = 0) throws(Problem) {
    let flags = Int32(SOCK_CLOEXEC.rawValue) | (groups == 0 ? 0 : Int32(SOCK_NONBLOCK.rawValue))
    guard let socket = unsafe mnl_socket_open2(bus.rawValue, flags) else {
      throw NetlinkProblem.refusal(errno, of: "open a netlink socket")
    }
    unsafe self.socket = socket
    // Words with refusals, and dumps that honour what they are asked for; an old kernel knows neither, and needs not.
    for option in [NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK] {
      var yes: Int32 = 1
      _ = unsafe mnl_socket_setsockopt(socket, option, &yes, socklen_t(MemoryLayout<Int32>.size))
    }
    if groups == 0 {
      var patience = timeval(tv_sec: 30, tv_usec: 0)
      unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    } else {
      // A burst of a thousand routes: best effort, what is lost anyway is told.
      var size: Int32 = 1 << 20
      unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    guard unsafe mnl_socket_bind(socket, groups, pid_t(MNL_SOCKET_AUTOPID)) == 0 else {
      let code = errno
      unsafe mnl_socket_close(socket)
      throw NetlinkProblem.refusal(code, of: "bind a netlink socket")
    }
  }

  deinit { unsafe mnl_socket_close(socket) }

  /// The descriptor, to wait for events with others.
  public var descriptor: Int32 { unsafe mnl_socket_get_fd(socket) }

  /// Sends a request and waits until the kernel acknowledges it; returns the messages that came before that.
  ///
  /// `action` begins the message of what is thrown, such as “create the link wg0”.
  @discardableResult
  public func request(_ request: NetlinkRequest, _ action: String) throws(Problem) -> [NetlinkMessage] {
    try send(request, flags: UInt16(NLM_F_REQUEST | NLM_F_ACK), action)
    return try receiveAcknowledged(action)
  }

  private func receiveAcknowledged(_ action: String) throws(Problem) -> [NetlinkMessage] {
    var answers: [NetlinkMessage] = []
    while true {
      for message in try receiveAnswers(action) {
        guard message.type == UInt16(NLMSG_ERROR) else {
          answers.append(message)
          continue
        }
        if let problem = try NetlinkProblem.refusal(in: message, of: action) { throw problem }
        return answers
      }
    }
  }

  /// Lists everything that a request asks for: consistent, or not at all.
  ///
  /// A list that changed while the kernel wrote it is thrown away and begun anew; `netlink.interrupted` when that does not
  /// end.
  public func dump(_ request: NetlinkRequest, _ action: String) throws(Problem) -> [NetlinkMessage] {
    for _ in 0..<Self.dumpAttempts {
      try send(request, flags: UInt16(NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH), action)
      if let messages = try receiveDump(action) { return messages }
    }
    throw .couldNotRun("netlink.interrupted", "\(action): the list changes faster than it can be read")
  }

  /// One dump to its end; nil when the kernel says that it is not consistent.
  private func receiveDump(_ action: String) throws(Problem) -> [NetlinkMessage]? {
    var answers: [NetlinkMessage] = []
    var isInterrupted = false
    while true {
      for message in try receiveAnswers(action) {
        isInterrupted = isInterrupted || message.flags & UInt16(NLM_F_DUMP_INTR) != 0
        switch Int32(message.type) {
        case NLMSG_DONE, NLMSG_ERROR:
          if let problem = try NetlinkProblem.refusal(in: message, of: action) { throw problem }
          return isInterrupted ? nil : answers
        case NLMSG_OVERRUN: throw .couldNotRun("netlink.overrun", "\(action): the kernel lost a part of the list")
        default: answers.append(message)
        }
      }
    }
  }

  /// The events of one datagram; empty when there is none, nil when the kernel dropped some (ENOBUFS).
  func receiveEvents() throws(Problem) -> [NetlinkMessage]? {
    while true {
      let count = unsafe mnl_socket_recvfrom(socket, &buffer, buffer.count)
      let code = errno
      if count >= 0 { return try NetlinkMessage.messages(in: Array(buffer.prefix(count))) }
      switch code {
      case EINTR: continue
      case EAGAIN: return []
      case ENOBUFS: return nil
      default: throw NetlinkProblem.refusal(code, of: "read events")
      }
    }
  }

  /// Sends a request that holds keys, waits until the kernel acknowledges it, and overwrites it whatever comes of it.
  public func requestSecretly(_ request: inout NetlinkRequest, _ action: String) throws(Problem) {
    defer { request.wipe() }
    sequence &+= 1
    try request.finish(flags: UInt16(NLM_F_REQUEST | NLM_F_ACK), sequence: sequence)
    try write(request.bytes, action)
    _ = try receiveAcknowledged(action)
  }

  private func send(_ request: NetlinkRequest, flags: UInt16, _ action: String) throws(Problem) {
    sequence &+= 1
    try write(try request.finished(flags: flags, sequence: sequence), action)
  }

  private func write(_ bytes: [UInt8], _ action: String) throws(Problem) {
    while true {
      // Safe: libmnl reads `count` bytes of an array that lives through the call.
      if unsafe mnl_socket_sendto(socket, bytes, bytes.count) == bytes.count { return }
      let code = errno
      guard code == EINTR else { throw NetlinkProblem.refusal(code, of: action) }
    }
  }

  /// The messages of one datagram that answer the last request; late answers of one that timed out are left out.
  private func receiveAnswers(_ action: String) throws(Problem) -> [NetlinkMessage] {
    while true {
      // Safe: libmnl writes at most `count` bytes into an array that nobody else touches, and says so when cut (ENOSPC).
      let count = unsafe mnl_socket_recvfrom(socket, &buffer, buffer.count)
      let code = errno
      if count < 0 {
        switch code {
        case EINTR: continue
        case EAGAIN: throw .couldNotRun("netlink.timeout", "\(action): the kernel did not answer")
        default: throw NetlinkProblem.refusal(code, of: action)
        }
      }
      let current = sequence
      return try NetlinkMessage.messages(in: Array(buffer.prefix(count))).filter { $0.sequence == current }
    }
  }
}
