import Commands
import Cryptography
import Diagnostics
import LinuxKit
import Testing

/// A folder for one test, removed at its end.
private func withFolder(_ body: (String) async throws -> Void) async throws {
  let folder = "/tmp/rustynet-commands-\(UInt64.random(in: 0 ... .max))"
  try FileSystem.makeFolder(folder, mode: 0o700)
  defer { try? FileSystem.removeTree(folder) }
  try await body(folder)
}

@Suite struct RunTests {
  @Test func passesArgumentsVerbatim() async throws {
    let arguments = ["a b", "", "$HOME", "`id`", "*", "\"'\\", ";ls|cat>x&", "-n", "line\nfeed", "ü"]
    let clock = ContinuousClock()
    let begin = clock.now
    let result = try await Command("printf", ["[%s]"] + arguments).run()
    let elapsed = begin.duration(to: clock.now)
    #expect(result.status == .exited(0))
    #expect(result.text == arguments.map { "[\($0)]" }.joined())
    #expect(result.errors.isEmpty)
    #expect(result.seconds > 0 && .seconds(result.seconds) <= elapsed)
  }

  static let endings: [(script: String, status: CommandStatus, code: Int32)] = [
    ("exit 0", .exited(0), 0), ("exit 7", .exited(7), 7), ("kill -9 $$", .signaled(9), 137),
    ("kill -15 $$", .signaled(15), 143),
  ]

  @Test(arguments: endings) func tellsHowItEnded(ending: (script: String, status: CommandStatus, code: Int32))
    async throws
  {
    let result = try await Command("/bin/sh", ["-c", ending.script]).run()
    #expect(result.status == ending.status)
    #expect(result.status.code == ending.code)
  }

  static let missing = [
    "rustynet-no-such-program", "/usr/bin/rustynet-no-such-program", "./rustynet-no-such-program", "/etc/passwd",
    "/tmp",
  ]

  @Test(arguments: missing) func missingProgramIsRefused(program: String) async throws {
    let error = await #expect(throws: Problem.self) { try await Command(program, []).run() }
    #expect(error?.code == "command.missing")
    #expect(error?.kind == .refused)
  }

  @Test func namesTheDebianPackageOfAMissingProgram() async throws {
    let command = Command("git", [], environment: .exactly(["PATH": "/nowhere:relative:."]))
    let error = await #expect(throws: Problem.self) { try await command.run() }
    #expect(error?.hint == "install the Debian package git")
  }

  @Test func endsAtTheTimeLimitWithAllItsChildren() async throws {
    let begin = Host.monotonicSeconds()
    // The children sleep far longer than the bound below, which leaves room for a machine where other tests hold all
    // threads: what is tested is that nobody waits for the children.
    let command = Command("/bin/sh", ["-c", "sleep 600 & sleep 600; echo no"], seconds: 0.3)
    let error = await #expect(throws: Problem.self) { try await command.run() }
    #expect(error?.code == "command.timeout")
    #expect(error?.kind == .couldNotRun)
    #expect(Host.monotonicSeconds() - begin < 120)
  }

  @Test func endsAtTheTimeLimitWithClosedStreamsAndIgnoredSignal() async throws {
    let script = "trap '' TERM; exec >/dev/null 2>&1; while true; do sleep 0.1; done"
    let error = await #expect(throws: Problem.self) {
      try await Command("/bin/sh", ["-c", script], seconds: 0.3).run()
    }
    #expect(error?.code == "command.timeout")
  }

  @Test func limitsTheOutputOfEachStream() async throws {
    let exact = try await Command("printf", ["1234"], outputLimit: 4).run()
    #expect(exact.text == "1234")
    for script in ["printf 12345", "printf 12345 >&2", "yes"] {
      let error = await #expect(throws: Problem.self) {
        try await Command("/bin/sh", ["-c", script], seconds: 120, outputLimit: 4).run()
      }
      #expect(error?.code == "command.output-limit")
    }
  }

  @Test func readsBothStreamsAtOnceAndCloseStandardInput() async throws {
    // More than a pipe holds on each stream, in turns: a reader of one after the other would wait for ever.
    let script = "cat; for i in 1 2 3 4; do head -c 100000 /dev/zero; head -c 100000 /dev/zero >&2; done"
    let result = try await Command("/bin/sh", ["-c", script], seconds: 60).run()
    #expect(result.output.count == 400_000)
    #expect(result.errors.count == 400_000)
  }

  @Test func losesNothingOfAProgramThatEndsAtOnce() async throws {
    // What is still in the pipe when the program has ended must be read, also while other programs run.
    try await withThrowingTaskGroup { group in
      for _ in 0..<40 {
        group.addTask { try await Command("head", ["-c", "300000", "/dev/zero"], seconds: 60).run().output.count }
      }
      for try await count in group { #expect(count == 300_000) }
    }
  }

  @Test func doesNotWaitForAGrandchildThatKeepsTheStreamsOpen() async throws {
    let result = try await Command("/bin/sh", ["-c", "setsid sleep 150 & echo done"], seconds: 300).run()
    #expect(result.text == "done\n")
    #expect(result.seconds < 120)
  }

  @Test func passesEnvironmentAndFolder() async throws {
    let bare = try await Command("/usr/bin/env", [], environment: .exactly(["A": "b c"])).run()
    #expect(bare.text == "A=b c\n")
    for count in 0..<20 {
      let value = String(repeating: "x", count: count)
      let result = try await Command("/usr/bin/env", [], environment: .exactly(["A": value])).run()
      #expect(result.text == "A=\(value)\n")
    }
    let folder = try await Command("/bin/pwd", [], in: "/usr").run()
    #expect(folder.text == "/usr\n")
    let error = await #expect(throws: Problem.self) { try await Command("/bin/pwd", [], in: "/no/such").run() }
    #expect(error?.code == "command.folder")
    let plain = try await Command("/bin/sh", ["-c", "echo $LC_ALL$LANGUAGE"]).run()
    #expect(plain.text == "C.UTF-8\n")
  }

  @Test func refusesZeroBytesAndReportsFailures() async throws {
    let zero = await #expect(throws: Problem.self) { try await Command("printf", ["a\0b"]).run() }
    #expect(zero?.code == "command.nul")
    let failed = await #expect(throws: Problem.self) {
      try await Command("/bin/sh", ["-c", "echo first >&2; echo last >&2; exit 3"]).runChecked()
    }
    #expect(failed?.code == "command.failed")
    #expect(failed?.message.hasSuffix(": last") == true)
  }
}

@Suite struct RecordTests {
  @Test func hashesWhatItWrites() async throws {
    try await withFolder { folder in
      let log = "\(folder)/log"
      let record = try await Command("/bin/sh", ["-c", "echo out; echo err >&2; exit 4"]).record(logTo: log)
      let bytes = try FileSystem.read(log, limit: 100)
      #expect(String(decoding: bytes, as: UTF8.self) == "out\nerr\n")
      #expect(record.log == Digest(of: bytes))
      #expect(record.status == .exited(4))
      #expect(record.arguments == ["/bin/sh", "-c", "echo out; echo err >&2; exit 4"])
    }
  }

  @Test func keepsTheLogOfARunThatTookTooLong() async throws {
    try await withFolder { folder in
      let log = "\(folder)/log"
      let command = Command("/bin/sh", ["-c", "echo before; sleep 60"], seconds: 0.5)
      let error = await #expect(throws: Problem.self) { try await command.record(logTo: log) }
      #expect(error?.code == "command.timeout")
      let kept = try FileSystem.read(log, limit: 100)
      #expect(kept == Array("before\n".utf8))
    }
  }

  @Test func refusesALinkAsLog() async throws {
    try await withFolder { folder in
      _ = try await Command("ln", ["-s", "elsewhere", "\(folder)/log"]).runChecked()
      let error = await #expect(throws: Problem.self) { try await Command("true", []).record(logTo: "\(folder)/log") }
      #expect(error?.code == "file.symlink")
    }
  }
}
