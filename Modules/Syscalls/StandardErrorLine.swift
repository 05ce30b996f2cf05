/// Writes a line to standard error with one call, so that lines of several processes do not mix.
package func standardErrorLine(_ text: String) {
    try? FileDescriptor.standardError.writeAll(text + "\n")
}
