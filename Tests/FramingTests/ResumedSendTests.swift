import FDPassing
import Framing
import Syscalls
import TestSupport
import Testing

@Suite("Sends that are resumed")
struct ResumedSendTests {
    @Test(
        "a message that is resumed says how far it got, and arrives byte for byte", arguments: [true, false],
        [true, false])
    func resumes(overSocket: Bool, blocking: Bool) throws {
        let peer = try overSocket ? RawPeer() : .writingPipe()
        let connection = peer.connection
        try connection.setBlocking(blocking)
        let message = pattern(1 << 20)
        let frame = header(message.count) + message
        var progress = SendProgress()
        var arrived: [UInt8] = []
        var interruptions = 0
        while progress.sent < frame.count {
            let isDone: Void? = try unlessTimedOut { () throws(FramingError) in
                try connection.send(message.span.bytes, progress: &progress, until: .now)
            }
            if isDone == nil { interruptions += 1 }
            // What it says is what the kernel has. Not all of it is taken away each time.
            let count = max(1, (progress.sent - arrived.count) * (1 + interruptions % 3) / 3)
            arrived += try peer.end.descriptor.readExactly(count)
        }
        arrived += try peer.end.descriptor.readExactly(frame.count - arrived.count)
        #expect(arrived == frame)
        #expect(interruptions > 0)
        #expect(progress.sent == frame.count && progress.passed == 0)
        #expect(try peer.end.descriptor.wait(for: .readable, until: .now) == [])
        try connection.send([5])
        #expect(try peer.end.descriptor.readExactly(5) == [0, 0, 0, 1, 5])
    }

    @Test("a message that could not begin has no progress, and begins when it is sent again", arguments: [true, false])
    func notBegun(overSocket: Bool) throws {
        for count in [0, 3, 5000] {
            let peer = try overSocket ? RawPeer() : .writingPipe()
            let filled = try peer.fillUp()
            let message = pattern(count)
            var progress = SendProgress()
            for deadline in [Deadline.now, .after(.milliseconds(5))] {
                #expect(throws: FramingError.timedOut) {
                    try peer.connection.send(message.span.bytes, progress: &progress, until: deadline)
                }
                #expect(progress == SendProgress())
            }
            // Nothing is under way: another message may come first.
            #expect(throws: FramingError.timedOut) { try peer.connection.send([9], until: .now) }
            _ = try peer.end.descriptor.readExactly(filled)
            try peer.connection.send([9], until: .generous)
            try peer.connection.send(message.span.bytes, progress: &progress, until: .generous)
            #expect(try peer.end.descriptor.readExactly(9 + count) == header(1) + [9] + header(count) + message)
        }
    }

    @Test("descriptors in several batches are resumed too, and come in their order")
    func descriptors() throws {
        let peer = try RawPeer()
        let sender = peer.connection
        let receiver = Connection(try peer.end.descriptor.duplicate(), descriptorLimit: 600)
        var filler = try peer.fillUp()
        let first = try Pipe()
        let second = try Pipe()
        let third = try Pipe()
        let ends = [first.readEnd.descriptor, second.readEnd.descriptor, third.readEnd.descriptor]
        let descriptors = (0..<600).map { ends[$0 / 253] }
        let message = pattern(1 << 20)
        var progress = SendProgress()
        var received: [UInt8]?
        var interruptions = 0
        while received == nil {
            if progress.sent < message.count + 4 {
                let isDone: Void? = try unlessTimedOut { () throws(FramingError) in
                    try sender.send(message.span.bytes, passing: descriptors, progress: &progress, until: .now)
                }
                if isDone == nil { interruptions += 1 }
            }
            // Room comes little by little.
            if filler > 0 {
                filler -= try peer.end.descriptor.read(upTo: min(filler, 1000)).count
            } else {
                received = try unlessTimedOut { () throws(FramingError) in try receiver.receive(until: .now) }
            }
        }
        #expect(interruptions > 1)
        #expect(received == message)
        #expect(progress.sent == message.count + 4 && progress.passed == 600)
        var batch = try receiver.receiveDescriptors(600)
        for place in [0, 252, 253, 505, 506, 599] {
            guard let arrived = batch.take(at: place) else { throw Errno.badFileDescriptor }
            #expect(try arrived.descriptor.status().identity == descriptors[place].status().identity)
        }
        #expect(throws: FramingError.missingDescriptors(expected: 1, arrived: 0)) {
            _ = try receiver.receiveDescriptors(1)
        }
    }

    @Test("while a message is under way another one is refused, and nothing of it is sent", arguments: [true, false])
    func underWay(overSocket: Bool) throws {
        let peer = try overSocket ? RawPeer() : .writingPipe()
        let connection = peer.connection
        let message = pattern(1 << 20)
        let frame = header(message.count) + message
        var progress = SendProgress()
        #expect(throws: FramingError.timedOut) {
            try connection.send(message.span.bytes, progress: &progress, until: .now)
        }
        let before = progress
        let refusal = FramingError.sendUnderWay(bytes: before.sent, of: frame.count)
        let begun = try peer.end.descriptor.readExactly(before.sent)
        #expect(throws: refusal) { try connection.send([1]) }
        #expect(throws: refusal) { try connection.send(pattern(100_000), until: .generous) }
        var another = SendProgress()
        #expect(throws: refusal) { try connection.send([UInt8(1)].span.bytes, progress: &another, until: .generous) }
        #expect(another == SendProgress())
        #expect(try peer.end.descriptor.wait(for: .readable, until: .now) == [])
        // Nor has that done the one under way any harm.
        let end = peer.end.descriptor
        let reading = try Background { try end.readExactly(frame.count - before.sent + 5) }
        try connection.send(message.span.bytes, progress: &progress, until: .generous)
        try connection.send([7])
        #expect(try begun + reading.get() == frame + [0, 0, 0, 1, 7])
    }

    @Test("the descriptor is not given up, nor the connection sent elsewhere, while a message is under way")
    func takenWhileUnderWay() throws {
        let peer = try RawPeer()
        let message = pattern(1 << 20)
        var progress = SendProgress()
        #expect(throws: FramingError.timedOut) {
            try peer.connection.send(message.span.bytes, progress: &progress, until: .now)
        }
        #expect(throws: FramingError.sendUnderWay(bytes: progress.sent, of: message.count + 4)) {
            _ = try peer.connection.takeDescriptor()
        }
        #expect(!peer.connection.isClosed)
    }

    @Test(
        "the progress of a message that is done starts no other one: that stops the program with a sentence that says so"
    )
    func doneProgress() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let (sender, receiver) = try Connection.pipe()
            var progress = SendProgress()
            try sender.send([UInt8(1), 2].span.bytes, progress: &progress)
            try sender.send([UInt8(3), 4].span.bytes, progress: &progress)
            withExtendedLifetime(receiver) {}
        }
        let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        // An optimized build has no message to print.
        #expect(message.contains("start each with a new SendProgress()") || !message.contains("Fatal error"))
    }

    @Test("after a message that was given up half-way nothing is resumed either")
    func afterPartlySent() throws {
        let peer = try RawPeer()
        let message = pattern(8 << 20)
        let error = #expect(throws: FramingError.self) { try peer.connection.send(message, until: .now) }
        guard case .partlySent(let sent, message.count + 4) = error else { throw error! }
        var progress = SendProgress()
        #expect(throws: FramingError.partlySent(bytes: sent, of: message.count + 4)) {
            try peer.connection.send(message.span.bytes, progress: &progress, until: .now)
        }
        #expect(progress == SendProgress())
    }

    @Test("a peer that goes while a message is under way is EPIPE, and nothing is under way any more")
    func peerGone() throws {
        let (connection, peer) = try Connection.pipe()
        let message = pattern(8 << 20)
        var progress = SendProgress()
        #expect(throws: FramingError.timedOut) {
            try connection.send(message.span.bytes, progress: &progress, until: .now)
        }
        peer.close()
        for _ in 0..<2 {
            let error = #expect(throws: FramingError.self) {
                try connection.send(message.span.bytes, progress: &progress, until: .generous)
            }
            #expect(error?.isDisconnection == true)
        }
    }

    @Test(
        "a part of an array, or of what a span covers, is sent like a message of its own",
        arguments: [0..<0, 7..<8, 5..<1001, 5..<1006, 99_000..<100_000, 11..<70_011])
    func parts(range: Range<Int>) throws {
        let (sender, receiver) = try Connection.pipe()
        let bytes = pattern(100_000)
        try sender.send(bytes[range])
        #expect(try receiver.receive(until: .generous) == Array(bytes[range]))
        try sender.send(bytes.span.bytes.extracting(range))
        #expect(try receiver.receive(until: .generous) == Array(bytes[range]))
        let pipe = try Pipe()
        let limited = try RawPeer(descriptorLimit: 1)
        try Connection(try limited.end.descriptor.duplicate()).send(
            bytes[range], passing: [pipe.readEnd.descriptor])
        #expect(try limited.connection.receive(until: .generous) == Array(bytes[range]))
        #expect(try limited.connection.receiveDescriptors(1).count == 1)
    }
}
