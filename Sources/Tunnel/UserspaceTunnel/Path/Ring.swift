import CLinux

/// A queue from one thread to one other, of records of one size, without locks. Its memory is mapped and so costs only
/// what was used of it.
@safe struct Ring {
  private let records: Octets
  private let recordSize: Int
  private let mask: UInt64
  /// Head (taken) and tail (put), 64 octets apart so that the two threads do not share a line.
  private let positions: UnsafeMutablePointer<UInt64>

  /// A queue of `count` records, a power of two.
  init(count: Int, recordSize: Int) {
    unsafe records = Slab.map(count * recordSize)
    self.recordSize = recordSize
    mask = UInt64(count - 1)
    unsafe positions = .allocate(capacity: 16)
    unsafe positions.initialize(repeating: 0, count: 16)
  }

  /// Octets of memory at most.
  var byteCount: Int { (Int(mask) + 1) * recordSize }

  /// Gives the memory back; no thread may use the queue any more.
  func release() {
    unsafe Slab.unmap(records, byteCount)
    unsafe positions.deallocate()
  }

  /// How many records wait; for either thread, and right a moment ago.
  @inline(__always) var count: Int {
    unsafe Int(truncatingIfNeeded: cl_load_acquire(positions + 8) &- cl_load_acquire(positions))
  }

  /// The place of the next record to put, or nil when the queue is full. Call `put` when it is written.
  @inline(__always) func free() -> Octets? {
    let tail = unsafe cl_load_relaxed(positions + 8)
    if unsafe tail &- cl_load_acquire(positions) > mask { return nil }
    return unsafe records + Int(truncatingIfNeeded: tail & mask) &* recordSize
  }

  /// Shows the record that was written to `free` to the other thread.
  @inline(__always) func put() { unsafe cl_store_release(positions + 8, cl_load_relaxed(positions + 8) &+ 1) }

  /// The oldest record, or nil. Call `take` when it was read.
  @inline(__always) func first() -> Octets? {
    let head = unsafe cl_load_relaxed(positions)
    if unsafe head == cl_load_acquire(positions + 8) { return nil }
    return unsafe records + Int(truncatingIfNeeded: head & mask) &* recordSize
  }

  /// Gives the place of `first` back.
  @inline(__always) func take() { unsafe cl_store_release(positions, cl_load_relaxed(positions) &+ 1) }
}
