import Syscalls
import TestSupport

/// Copies an executable, so that a test can delete it while it runs.
///
/// Another process writes the file: what this one had open for writing, a program that another thread is just starting
/// could hold for a moment longer, and a file that somebody writes cannot be executed.
public func copyExecutable(_ source: String, to path: String) throws {
    var copying = try HelperProcess(executable: "/bin/cp", ["--", source, path])
    let outcome = try copying.waitForOutcome()
    if outcome != .success { throw UnexpectedReport(line: outcome.errors) }
}

/// Makes a shell script that can be executed, in the same way.
public func makeScript(_ text: String, at path: String) throws {
    let draft = path + ".draft"
    let file = try OwnedFileDescriptor.open(draft, [.writeOnly, .create, .exclusive], permissions: 0o700)
    try file.descriptor.writeAll("#!/bin/sh\n" + text)
    try copyExecutable(draft, to: path)
}
