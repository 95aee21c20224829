import CLinux
import Glibc

/// The splitter and the coalescer behind a door for fuzzing: no socket, no TUN, every rule that must hold for any octets.
public enum PacketProbe {
  /// Splits a frame (ten octets of virtual header, then a packet), joins what came out, and splits that again. Returns what
  /// is wrong, nil when nothing is.
  public static func checkFrame(_ frame: [UInt8]) -> String? {
    let count = frame.count - VirtualHeader.size
    guard count > 0, count <= 65_535 else { return nil }
    let room = 1 << 17
    // Safe: guarded by pages of their own at the end of a mapping, so that a fuzzer sees what runs over.
    let memory = unsafe Slab.map(room * 3)
    defer { unsafe Slab.unmap(memory, room * 3) }
    let packet = unsafe memory + (room - count)
    unsafe frame.withUnsafeBytes { octets in
      guard let start = octets.baseAddress else { return }
      unsafe memcpy(memory, start, VirtualHeader.size)
      unsafe memcpy(packet, start + VirtualHeader.size, count)
    }
    unsafe _ = mprotect(memory + room, room, PROT_NONE)
    let target = unsafe memory + 2 * room
    if let inner = unsafe InnerPacket(packet, count) {
      if inner.length > count || inner.transportOffset > max(inner.length, 40) { return "a length beyond the packet" }
      unsafe _ = ICMPError.answer(.unreachable, to: packet, count, in: target)
      if unsafe !keepsItsSum(packet, inner) { return "another sum after the size of segments was lowered" }
    }
    guard unsafe FrameSplitter.isSuperFrame(memory) else {
      unsafe _ = FrameSplitter.finish(memory, packet, count)
      return nil
    }
    guard var splitter = unsafe FrameSplitter(memory, packet, count) else { return nil }
    splitter.begin()
    return unsafe checkSegments(&splitter, target, count)
  }

  /// Whether the sum over a TCP packet, right or wrong, is the same after its size of segments was lowered.
  private static func keepsItsSum(_ packet: Octets, _ inner: InnerPacket) -> Bool {
    guard unsafe SegmentSize.isAsked(in: packet, inner) else { return true }
    let at = inner.transportOffset
    let sum = { unsafe Checksum.fold(Checksum.sum(packet + at, inner.length &- at)) % 0xffff }
    let before = sum()
    unsafe _ = SegmentSize.lower(in: packet, inner, mtu: 1_280)
    return sum() == before
  }

  private static func checkSegments(_ splitter: inout FrameSplitter, _ target: Octets, _ count: Int) -> String? {
    let largest = splitter.largest
    var payload = 0
    while true {
      let length = unsafe splitter.next(into: target)
      if length == 0 { break }
      guard length <= largest, let inner = unsafe InnerPacket(target, length), inner.length == length else {
        return "a segment that is no packet"
      }
      payload += length
      let at = inner.transportOffset
      let sum =
        unsafe Checksum.pseudoHeader(target, isV6: inner.isV6, transport: inner.transport)
        + Checksum.word(length - at) + Checksum.sum(target + at, length - at)
      if Checksum.fold(sum) != 0xffff { return "a segment with a wrong checksum" }
      if unsafe !inner.isV6 && Checksum.fold(Checksum.sum(target, at)) != 0xffff {
        return "a header with a wrong checksum"
      }
    }
    return payload >= count || payload == 0 ? nil : "octets were lost"
  }
}
