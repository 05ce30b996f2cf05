import AsyncFraming
import Framing
import Syscalls
import TestSupport
import Testing

/// Lengths on both sides of what leaves in one write, and of what a socket takes at once.
let messageSizes = [0, 1, 16384, 16385, 1 << 20]

/// Just beyond what a header of four bytes can say.
let hugeSize = 1 << 31 + 17

let hugeMessagesAreTested = Environment["INTEROP_HUGE"] == "1"

/// Sends messages to a peer that sends them back.
func expectEcho(_ connection: Connection, sizes: [Int] = messageSizes) throws {
    for count in sizes {
        let message = pattern(count, seed: count)
        let sending = try Background { try connection.send(message, until: .generous) }
        let isSame = try connection.receive(until: .generous) == message
        #expect(isSame, "\(count) bytes")
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
