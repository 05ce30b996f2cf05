/// Whether two byte strings are equal, found out in a time that depends on their lengths only.
///
/// For comparing codes and other secrets with what a peer sent: a comparison that ends at the first difference lets the
/// peer find the right bytes one after the other.
// Never inlined: where the compiler knew an argument or what becomes of the result, it could find a shorter way.
@inline(never)
public func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in left.indices {
        difference |= left[index] ^ right[index]
    }
    return difference == 0
}
