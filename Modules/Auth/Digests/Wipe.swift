#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Overwrites a secret with zeros before its memory is given back.
///
/// With functions that are made for it: a compiler that sees an ordinary loop or `memset` fill memory which nobody
/// reads again may leave it out, and does. The array must be the only one with these bytes, or a copy is overwritten.
///
/// The corresponding C function is `explicit_bzero`, or `memset_s` where there is none.
func wipe(_ secret: inout [UInt8]) {
    secret.withUnsafeMutableBytes { wipe($0) }
}

/// Overwrites the state of a code with zeros: whoever has it can make codes as with the key. It refers to no memory but
/// its own.
func wipe<Hash>(_ code: inout HMAC<Hash>) {
    withUnsafeMutableBytes(of: &code) { wipe($0) }
}

private func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    #if canImport(Darwin)
        _ = memset_s(start, bytes.count, 0, bytes.count)
    #else
        explicit_bzero(start, bytes.count)
    #endif
}
