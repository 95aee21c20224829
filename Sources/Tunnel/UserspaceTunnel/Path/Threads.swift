// pthread_attr_t is known to the importer through this module.
import CCrypto
import CLinux
import Glibc

/// Which construction seals packets.
public enum CipherKind: String, Sendable, CaseIterable {
  /// libcrypto's ChaCha20-Poly1305 as one.
  case stock
  /// Its ChaCha20 and its Poly1305, put together in one pass (documents/decisions/0010).
  case split
}

/// The two threads of a device. Their entries are plain functions: a closure of a main file would belong to its actor.
struct Threads {
  private var sending = pthread_t()
  private var receiving = pthread_t()

  /// Starts both; nil when the system has no room for a thread.
  static func start(_ transmit: TransmitSetup, _ receive: ReceiveSetup, _ cipher: CipherKind) -> Threads? {
    var threads = Threads()
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    defer { unsafe pthread_attr_destroy(&attributes) }
    unsafe pthread_attr_setstacksize(&attributes, 256 << 10)
    let first = UnsafeMutablePointer<TransmitSetup>.allocate(capacity: 1)
    unsafe first.initialize(to: transmit)
    let second = UnsafeMutablePointer<ReceiveSetup>.allocate(capacity: 1)
    unsafe second.initialize(to: receive)
    switch cipher {
    case .stock:
      guard unsafe pthread_create(&threads.sending, &attributes, { unsafe transmitStock($0) }, first) == 0,
        unsafe pthread_create(&threads.receiving, &attributes, { unsafe receiveStock($0) }, second) == 0
      else { return nil }
    case .split:
      guard unsafe pthread_create(&threads.sending, &attributes, { unsafe transmitSplit($0) }, first) == 0,
        unsafe pthread_create(&threads.receiving, &attributes, { unsafe receiveSplit($0) }, second) == 0
      else { return nil }
    }
    return threads
  }

  /// Packets come before ordinary programs, as they do in the kernel, where it may be (CAP_SYS_NICE): a thread that waits
  /// for its turn makes acknowledgements come in lumps, and a sender answers lumps with a longer queue, in which
  /// everything else waits too.
  static func comeFirst() { cl_be_nice(-10) }

  /// Waits until both have ended; the caller has told them to.
  func join() {
    pthread_join(sending, nil)
    pthread_join(receiving, nil)
  }
}

private func transmitStock(_ setup: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  unsafe transmit(setup, StockCipher.self)
}

private func receiveStock(_ setup: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  unsafe receive(setup, StockCipher.self)
}

private func transmitSplit(_ setup: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  unsafe transmit(setup, SplitCipher.self)
}

private func receiveSplit(_ setup: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  unsafe receive(setup, SplitCipher.self)
}

@inline(__always)
private func transmit<Cipher: PacketCipher>(
  _ setup: UnsafeMutableRawPointer?, _: Cipher.Type
) -> UnsafeMutableRawPointer? {
  guard let setup = unsafe setup?.assumingMemoryBound(to: TransmitSetup.self) else { return nil }
  var transmitter = unsafe Transmitter<Cipher>(setup.move())
  unsafe setup.deallocate()
  Threads.comeFirst()
  transmitter.run()
  transmitter.free()
  return nil
}

@inline(__always)
private func receive<Cipher: PacketCipher>(
  _ setup: UnsafeMutableRawPointer?, _: Cipher.Type
) -> UnsafeMutableRawPointer? {
  guard let setup = unsafe setup?.assumingMemoryBound(to: ReceiveSetup.self) else { return nil }
  var receiver = unsafe Receiver<Cipher>(setup.move())
  unsafe setup.deallocate()
  Threads.comeFirst()
  receiver.run()
  receiver.free()
  return nil
}
