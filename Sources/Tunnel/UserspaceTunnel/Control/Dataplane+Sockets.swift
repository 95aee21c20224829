import CCrypto
import CLinux
import Cryptography
import Diagnostics
import Glibc
import NetworkTypes
import WireGuard

/// The UDP sockets, and what control itself sends: handshake messages and cookies.
extension Dataplane {
  /// Binds both sockets to a port, 0 for any; -errno and the old sockets stay when it cannot be had.
  func bind(port: UInt16) -> Int32 {
    var tries = 16
    while true {
      tries -= 1
      var gro: Int32 = 0
      var buffer: Int32 = 0
      let v4 = unsafe cl_open_udp(AF_INET, port, mark, offloads ? 1 : 0, &gro, &buffer)
      if v4 == -EADDRINUSE && tries > 0 {
        // Perhaps ours of before, which the receiving thread waits with still: it lets go of it as soon as it is woken.
        cl_signal(receiveWake)
        usleep(2_000)
        continue
      }
      if v4 < 0 { return v4 }
      let chosen = cl_bound_port(v4)
      let v6 = unsafe cl_open_udp(
        AF_INET6, UInt16(truncatingIfNeeded: chosen), mark, offloads ? 1 : 0, &gro, &buffer)
      if v6 == -EADDRINUSE || v6 == -EACCES {
        _ = close(v4)
        if v6 == -EADDRINUSE && tries > 0 {
          if port != 0 { usleep(2_000) }
          continue
        }
        return v6
      }
      // A kernel without IPv6 is no failure. `dup2` puts the new socket where the threads look, at one moment.
      _ = dup2(v4, socketV4)
      _ = close(v4)
      hasV6 = v6 >= 0
      if v6 >= 0 {
        _ = dup2(v6, socketV6)
        _ = close(v6)
      }
      hasGRO = gro != 0
      boundPort = UInt16(truncatingIfNeeded: chosen)
      cl_signal(receiveWake)
      return 0
    }
  }

  /// The source to answer from, as the kernel's WireGuard judges it: the address that the peer spoke to, as long as a
  /// packet from there would leave by the interface that the peer's came in by; else the kernel chooses.
  func judged(_ source: Source?, for endpoint: Endpoint) -> Source? {
    guard let source, source.interface != 0, let leaving = leaving(from: source, to: endpoint) else { return source }
    return leaving > 0 && leaving != Int64(source.interface) ? Source(octets: [], interface: 0) : source
  }

  /// Whether a source is still an address of ours, and still on the way that it was taken up on.
  func isUsable(_ source: Source, for endpoint: Endpoint) -> Bool {
    // Safe: the array holds as many octets as are told.
    guard unsafe cl_is_own_address(routes, source.octets, Int32(source.octets.count)) != 0,
      let leaving = leaving(from: source, to: endpoint)
    else { return false }
    return source.interface == 0 ? leaving > 0 : leaving == Int64(source.interface)
  }

  /// The index of the interface by which a packet would leave, negative where there is no way; nil where this cannot be
  /// asked: a link-local address says its interface itself.
  private func leaving(from source: Source, to endpoint: Endpoint) -> Int64? {
    let ours = source.octets
    guard ours.count == endpoint.address.octets.count, !(ours.count == 16 && ours[0] == 0xfe) else { return nil }
    // Safe: both arrays hold as many octets as are told.
    return unsafe Int64(cl_route_interface(routes, endpoint.address.octets, ours, Int32(ours.count), mark))
  }

  /// Marks what the sockets send from now on; -errno when that is not allowed.
  func setMark(_ value: UInt32) -> Int32 {
    mark = value
    guard boundPort != 0 else { return 0 }
    if hasV6 { _ = cl_set_mark(socketV6, value) }
    return cl_set_mark(socketV4, value)
  }

  /// Sends a handshake message with the class of handshakes (AF41). What the network refuses is as lost as on the way.
  func send(_ message: [UInt8], to endpoint: Endpoint, source: Source?) {
    var name = sockaddr_storage()
    let length = SocketAddress.write(endpoint, to: &name)
    let isV6 = endpoint.address.family == .v6
    for source in source == nil ? [nil] : [source, nil] {
      var sent = -1
      unsafe withUnsafeTemporaryAllocation(byteCount: Int(CL_SEND_CONTROL), alignment: 16) { control in
        guard let start = unsafe control.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        let octets = source?.octets ?? []
        let size = unsafe cl_write_control(
          start, isV6 ? 1 : 0, 0, 0x88, octets, UInt8(octets.count), source?.interface ?? 0)
        var bytes = message
        unsafe bytes.withUnsafeMutableBytes { bytes in
          var vector = unsafe iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
          unsafe withUnsafeMutablePointer(to: &name) { name in
            unsafe withUnsafeMutablePointer(to: &vector) { vector in
              var header = unsafe msghdr(
                msg_name: name, msg_namelen: length, msg_iov: vector, msg_iovlen: 1, msg_control: start,
                msg_controllen: size, msg_flags: 0)
              sent = unsafe sendmsg(isV6 ? socketV6 : socketV4, &header, Int32(MSG_DONTWAIT))
            }
          }
        }
      }
      // Only a source that is no address of ours any more is worth a second try.
      if sent >= 0 || errno != EINVAL { return }
    }
  }
}
