import CLinux
public import Diagnostics
import Glibc
public import NetworkTypes

/// A socket of IP that does not block, and closes itself.
public struct Socket: ~Copyable, Sendable {
  /// Whether it carries datagrams or a stream.
  public enum Kind: Sendable { case datagram, stream }

  /// How an operation ended that does not wait.
  public enum Transfer: Sendable, Equatable {
    case done(Int)
    /// Nothing can be moved now.
    case later
    /// The other side is gone, or the way to it.
    case closed
  }

  /// The number of the descriptor.
  public let number: Int32

  /// A socket for addresses of a family.
  public init(_ kind: Kind, _ family: IPAddress.Family) throws(Problem) {
    let type = Int32((kind == .datagram ? SOCK_DGRAM : SOCK_STREAM).rawValue)
    let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    number = try checked("socket", "socket") { socket(family == .v4 ? AF_INET : AF_INET6, type | flags, 0) }
  }

  init(adopting number: Int32) { self.number = number }

  deinit { _ = close(number) }

  /// A socket that takes what is sent to `endpoint`; port 0 lets the kernel choose. One for datagrams has room for a burst
  /// of thousands, unless `expectsBursts` is false.
  ///
  /// Throws `socket.in-use`, `socket.address` and `file.io` with the endpoint as place.
  public static func listening(
    _ kind: Kind, at endpoint: Endpoint, expectsBursts: Bool = true
  ) throws(Problem) -> Socket {
    let socket = try Socket(kind, endpoint.address.family)
    let place = "\(endpoint)"
    if endpoint.address.family == .v6 { try socket.set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
    if kind == .stream { try socket.set(SOL_SOCKET, SO_REUSEADDR, 1) }
    if kind == .datagram, expectsBursts { socket.enlargeBuffer() }
    let bound = unsafe SocketAddress(endpoint).withAddress { unsafe Glibc.bind(socket.number, $0, $1) }
    guard bound == 0 else { throw Socket.bindProblem(errno, place) }
    if kind == .stream { _ = try checked("listen", place) { listen(socket.number, 512) } }
    return socket
  }

  /// A burst or a flood waits in the buffer while another process runs: a few thousand datagrams, if the kernel lets us
  /// (CAP_NET_ADMIN), else what it allows anybody.
  private func enlargeBuffer() {
    do throws(Problem) { try set(SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22) } catch {
      try? set(SOL_SOCKET, SO_RCVBUF, 1 << 22)
    }
  }

  private static func bindProblem(_ code: Int32, _ place: String) -> Problem {
    switch code {
    case EADDRINUSE: .couldNotRun("socket.in-use", "somebody listens there already", place: place)
    case EADDRNOTAVAIL: .couldNotRun("socket.address", "this host does not have the address", place: place)
    case EACCES: .couldNotRun("socket.permission", "the port needs more rights", place: place)
    default: fileProblem("bind", place, code)
    }
  }

  /// The endpoint that the socket is bound to.
  public func localPort() -> UInt16 {
    var address = SocketAddress()
    _ = unsafe address.withRoom { unsafe getsockname(number, $0, $1) }
    return address.port
  }

  /// Sends only by this interface (SO_BINDTODEVICE).
  public func bind(toInterface name: String) throws(Problem) {
    _ = try checked("setsockopt", name) {
      unsafe name.withCString {
        unsafe setsockopt(number, SOL_SOCKET, SO_BINDTODEVICE, $0, socklen_t(name.utf8.count + 1))
      }
    }
  }

  /// Connects, or begins to: a stream is there when it can be written. False where there is no way.
  public func connect(to endpoint: Endpoint) -> Bool {
    unsafe SocketAddress(endpoint).withAddress { unsafe Glibc.connect(number, $0, $1) } == 0 || errno == EINPROGRESS
  }

  /// Whether connecting has failed.
  public func hasFailed() -> Bool {
    var code: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    return unsafe getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &length) != 0 || code != 0
  }

  /// Sends small pieces at once.
  public func sendAtOnce() { try? set(Int32(IPPROTO_TCP), TCP_NODELAY, 1) }

  /// How asking for a connection ended.
  public enum Accepted: Sendable {
    /// The next one, and who made it.
    case connection(Int32, SocketAddress)
    /// There is none now.
    case later
    /// There is one, and neither a descriptor nor memory for it: it goes on waiting.
    case exhausted
  }

  /// The next connection.
  public func accept() -> Accepted {
    var address = SocketAddress()
    let accepted = unsafe address.withRoom { unsafe cl_accept_from(number, $0, $1) }
    if accepted >= 0 { return .connection(accepted, address) }
    return [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(-accepted) ? .exhausted : .later
  }

  /// Takes over a connection that `accept` gave.
  public static func adopt(_ number: Int32) -> Socket { Socket(adopting: number) }

  /// Receives up to the room of `buffer`.
  public func receive(into buffer: inout [UInt8], at offset: Int) -> Transfer {
    // Safe: the kernel writes no more than there is room for behind the offset.
    unsafe buffer.withUnsafeMutableBytes { bytes in
      let room = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[offset...])
      let count = unsafe recv(number, room.baseAddress, room.count, 0)
      if count > 0 { return .done(count) }
      return count < 0 && (errno == EAGAIN || errno == EINTR) ? .later : .closed
    }
  }

  /// Receives one datagram, which may be empty; `closed` is an error that the network has reported.
  public func receiveDatagram(into buffer: inout [UInt8]) -> Transfer {
    // Safe: the kernel writes no more than there is room for.
    unsafe buffer.withUnsafeMutableBytes { bytes in
      let count = unsafe recv(number, bytes.baseAddress, bytes.count, 0)
      if count >= 0 { return .done(count) }
      return errno == EAGAIN || errno == EINTR ? .later : .closed
    }
  }

  /// Sends what it can of `bytes` from `offset` to `end`.
  public func send(_ bytes: [UInt8], from offset: Int, to end: Int) -> Transfer {
    unsafe bytes.withUnsafeBytes { all in
      let part = unsafe UnsafeRawBufferPointer(rebasing: all[offset..<end])
      let count = unsafe Glibc.send(number, part.baseAddress, part.count, Int32(MSG_NOSIGNAL))
      if count >= 0 { return .done(count) }
      return errno == EAGAIN || errno == EINTR ? .later : .closed
    }
  }

  /// Sends one datagram to an address.
  public func send(_ bytes: [UInt8], count: Int, to peer: SocketAddress) {
    // A datagram may be lost anywhere; that it was lost here is no news to anybody.
    _ = unsafe peer.withAddress { address, length in
      unsafe bytes.withUnsafeBytes { unsafe sendto(number, $0.baseAddress, min(count, $0.count), 0, address, length) }
    }
  }

  private func set(_ level: Int32, _ option: Int32, _ value: Int32) throws(Problem) {
    var value = value
    _ = try checked("setsockopt", "socket") {
      unsafe setsockopt(number, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
  }
}
