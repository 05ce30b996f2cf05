import Framing
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Lengths on both sides of what leaves in one write, and of what a socket takes at once.
let messageSizes = [0, 1, 16384, 16385, 1 << 20]

/// Just beyond what a header of four bytes can say.
let hugeSize = 1 << 31 + 17

let hugeMessagesAreTested = Environment["INTEROP_HUGE"] == "1"

/// Sends messages to a peer that sends them back.
func expectEcho(_ connection: Connection, sizes: [Int] = messageSizes) throws {
    for count in sizes {
        let message = longPattern(count)
        let sending = try Background { try connection.send(message, until: .generous) }
        let received = try connection.receive(until: .generous)
        #expect(received.count == count)
        #expect(isSame(received, message), "\(count) bytes")
        try sending.get()
    }
}

/// Sends so many messages back, and expects the end then.
func echo(_ connection: Connection, sizes: [Int] = messageSizes) throws {
    for count in sizes {
        let message = try connection.receive(until: .generous)
        #expect(message.count == count)
        try connection.send(message, until: .generous)
    }
    #expect(throws: FramingError.endOfFile) { try connection.receive(until: .generous) }
}

/// What `pattern` gives, again and again, with a period that is no multiple of any buffer's size: generating or comparing
/// 2 GiB byte by byte takes minutes without optimization.
private func longPattern(_ count: Int) -> [UInt8] {
    let period = pattern(min(count, 1_000_003), seed: count)
    var message: [UInt8] = []
    message.reserveCapacity(count)
    while message.count < count { message += period.prefix(count - message.count) }
    return message
}

private func isSame(_ one: [UInt8], _ other: [UInt8]) -> Bool {
    one.count == other.count
        && one.withUnsafeBytes { one in
            other.withUnsafeBytes { other in one.isEmpty || memcmp(one.baseAddress!, other.baseAddress!, one.count) == 0
            }
        }
}
