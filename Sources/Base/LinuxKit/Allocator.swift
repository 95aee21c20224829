import CLinux

/// How the C library hands out large blocks of memory.
public enum Allocator {
  /// Keeps blocks of up to 32 MiB for the next one of their size, instead of giving them back to the kernel.
  ///
  /// To be called once, before a program allocates much. A document of a megabyte passes through several buffers of its
  /// size, and each that comes new from the kernel costs a page fault for every 4 KiB.
  public static func keepLargeBlocks() {
    _ = mallopt(M_MMAP_THRESHOLD, 32 << 20)
    _ = mallopt(M_TRIM_THRESHOLD, 64 << 20)
  }
}
