/// Memory of a packet. The packet path reaches everything by such pointers: no reference is counted, nothing is allocated.
///
/// Safe by one rule, which every caller keeps: offsets are compared with the number of octets that the kernel wrote, or
/// that the caller has put there, before they are used.
typealias Octets = UnsafeMutableRawPointer

extension UnsafeMutableRawPointer {
  @inline(__always) func octet(_ at: Int) -> Int { unsafe Int(load(fromByteOffset: at, as: UInt8.self)) }
  @inline(__always) func big16(_ at: Int) -> Int {
    unsafe Int(loadUnaligned(fromByteOffset: at, as: UInt16.self).byteSwapped)
  }
  @inline(__always) func big32(_ at: Int) -> UInt32 {
    unsafe loadUnaligned(fromByteOffset: at, as: UInt32.self).byteSwapped
  }
  @inline(__always) func raw16(_ at: Int) -> Int { unsafe Int(loadUnaligned(fromByteOffset: at, as: UInt16.self)) }
  @inline(__always) func raw32(_ at: Int) -> UInt32 { unsafe loadUnaligned(fromByteOffset: at, as: UInt32.self) }
  @inline(__always) func raw64(_ at: Int) -> UInt64 { unsafe loadUnaligned(fromByteOffset: at, as: UInt64.self) }

  @inline(__always) func put(octet value: Int, _ at: Int) {
    unsafe storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: at, as: UInt8.self)
  }
  @inline(__always) func put(big16 value: Int, _ at: Int) {
    unsafe storeBytes(of: UInt16(truncatingIfNeeded: value).byteSwapped, toByteOffset: at, as: UInt16.self)
  }
  @inline(__always) func put(big32 value: UInt32, _ at: Int) {
    unsafe storeBytes(of: value.byteSwapped, toByteOffset: at, as: UInt32.self)
  }
  @inline(__always) func put(raw16 value: Int, _ at: Int) {
    unsafe storeBytes(of: UInt16(truncatingIfNeeded: value), toByteOffset: at, as: UInt16.self)
  }
  @inline(__always) func put(raw32 value: UInt32, _ at: Int) {
    unsafe storeBytes(of: value, toByteOffset: at, as: UInt32.self)
  }
  @inline(__always) func put(raw64 value: UInt64, _ at: Int) {
    unsafe storeBytes(of: value, toByteOffset: at, as: UInt64.self)
  }
}
