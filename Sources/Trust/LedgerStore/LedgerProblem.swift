import Diagnostics

/// The problems that several files of this target raise.
enum LedgerProblem {
  /// What is stored contradicts itself; nothing is written over it.
  static func damaged(_ place: String, _ message: String) -> Problem {
    .refused(
      "ledger.damaged", message, place: place,
      hint: "look with `ledger fsck`; `--repair` rebuilds tiles, a damaged journal must come from a backup")
  }

  /// A later state does not follow from an earlier one.
  static func rollback(_ message: String) -> Problem {
    .refused(
      "ledger.rollback", message, source: "RFC 9162 §2.1.4",
      hint: "the ledger was cut or forked: restore it, then ask why")
  }
}
