// The daemon's command line: the first word names what it does. No parser library, so that the daemon stays small.
import Diagnostics
import LinuxKit

let arguments = Array(CommandLine.arguments.dropFirst())
do throws(Problem) {
  switch arguments.first {
  case "dns": try DNSCommand.run(Array(arguments.dropFirst()))
  case "--version": Console.print(Product.version)
  case "--help", nil: Console.print(usage)
  case .some(let word): throw .usage("usage.verb", "“\(word)” is no verb", hint: "rustynetd --help")
  }
} catch {
  Console.report(error, by: "rustynetd")
  Console.exit(error.kind.exitCode)
}

private let usage = """
  usage: rustynetd VERB

    dns --config FILE --foreground   answer names
    dns --config FILE --check        read the configuration and its zones, and say what is wrong
    --version
  """
