import Diagnostics
import Glibc

/// Calls `body` until it is not interrupted, and turns -1 into a typed problem; the only reader of `errno`.
///
/// Safe because `errno` is read in the statement that follows the call, before anything else can run.
func checked<Result: FixedWidthInteger>(_ call: StaticString, _ path: String, _ body: () -> Result) throws(Problem)
  -> Result
{
  while true {
    let result = body()
    if result != -1 { return result }
    let code = errno
    if code == EINTR { continue }
    throw fileProblem(call, path, code)
  }
}

/// What an error number means to a user: absent or forbidden files are bad input, the rest may pass.
func fileProblem(_ call: StaticString, _ path: String, _ code: Int32) -> Problem {
  switch code {
  case ENOENT, ENOTDIR: .malformed("file.missing", "no such file or folder", place: path)
  case EACCES, EPERM: .malformed("file.permission", "permission denied", place: path)
  case ELOOP: .malformed("file.symlink", "a symbolic link stands where none is allowed", place: path)
  case EISDIR: .malformed("file.kind", "a folder stands where a file is expected", place: path)
  case EEXIST: .malformed("file.exists", "the file is there already", place: path)
  case ENOTEMPTY: .malformed("file.not-empty", "the folder is not empty", place: path)
  default: .couldNotRun("file.io", "\(call): \(errorText(code))", place: path)
  }
}

func errorText(_ code: Int32) -> String {
  // Safe: strerror returns a string of the C library, and it is copied at once.
  unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
}
