import Glibc

/// Large memory that is mapped once, costs what was touched, and is given back when it was idle.
enum Slab {
  /// `count` octets of zeros. Ends the process when there is no address space, which a start cannot survive.
  static func map(_ count: Int) -> Octets {
    let start = unsafe mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let start = unsafe start, unsafe start != MAP_FAILED else { fatalError("no address space is left") }
    return unsafe start
  }

  /// Lets the kernel have the pages; the next touch gives zeros. Only while nothing in it is needed.
  static func giveBack(_ start: Octets, _ count: Int) { unsafe _ = madvise(start, count, MADV_DONTNEED) }

  /// Ends the mapping.
  static func unmap(_ start: Octets, _ count: Int) { unsafe _ = munmap(start, count) }
}
