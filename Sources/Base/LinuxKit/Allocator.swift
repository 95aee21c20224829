import CLinux
import Glibc

/// How the C library hands out large blocks of memory.
public enum Allocator {
  /// Keeps blocks of up to 32 MiB for the next one of their size, instead of giving them back to the kernel.
  ///
  /// To be called once, before a program allocates much. A document of a megabyte passes through several buffers of its
  /// size, and each that comes new from the kernel costs a page fault for every 4 KiB.
  public static func keepLargeBlocks() {
    _ = mallopt(M_MMAP_THRESHOLD, 32 << 20)
    _ = mallopt(M_TRIM_THRESHOLD, 64 << 20)
    unsafe areLargeBlocksKept = true
  }

  // Safe: written once, before the program starts a thread.
  private nonisolated(unsafe) static var areLargeBlocksKept = false

  /// From this size on a document is worth `useLargePages`.
  static let largeDocument = 512 << 10

  /// Asks for large pages under the next blocks, where the kernel has them: one fault for each 2 MiB instead of 512.
  ///
  /// Worth it before a large document is read, and not otherwise: a large page is cleared as a whole. Only the first use
  /// in a process does anything, and only where large blocks are kept.
  static let useLargePages: Void = {
    let page = 2 << 20
    guard unsafe areLargeBlocksKept, let block = unsafe malloc(5 * page) else { return }
    let address = Int(bitPattern: block)
    let start = (address + page - 1) & -page
    // Safe: four pages from the first border on lie within the block, and the advice changes no content.
    _ = unsafe madvise(UnsafeMutableRawPointer(bitPattern: start), 4 * page, MADV_HUGEPAGE)
    unsafe free(block)
    // What lies before the border is taken and never touched, so that the next block begins where the large pages do.
    if start - address > 64 { _ = unsafe malloc(start - address - 16) }
  }()
}
