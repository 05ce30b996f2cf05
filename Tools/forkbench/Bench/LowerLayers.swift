import Auth
import FDPassing
import Framing
import Syscalls

let syscallsBenchmarks = [
    Benchmark(
        name: "syscalls.pipe.64B", layer: .syscalls, summary: "write and read 64 bytes on a pipe, in one process",
        placement: .together, floor: ["pipe", "--bytes", "64", "--repeat", "1000"]
    ) { _ in
        let pipe = try Pipe()
        let channel = KeptPipe(pipe)
        let message = [UInt8](repeating: 7, count: 64)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)
        return {
            try nanoseconds {
                for _ in 0..<1000 {
                    try channel.writeEnd.writeAll(message)
                    guard try channel.readEnd.read(into: buffer) == 64 else { throw BenchmarkFailure(reason: "short") }
                }
            } / 1000
        }
    }
]

let fdPassingBenchmarks = [
    Benchmark(
        name: "fdpass.oneway", layer: .fdpass, summary: "one descriptor a message, sent and received across processes",
        placement: .together, floor: ["fdpass-oneway", "--repeat", "\(Counterpart.descriptorsPerSample)"]
    ) { context in
        try descriptorSampler(.descriptors, 1, each: Counterpart.descriptorsPerSample, context)
    },
    Benchmark(
        name: "fdpass.batch253", layer: .fdpass, summary: "per descriptor, 253 a message",
        placement: .together,
        floor: ["fdpass-batch", "--descriptors", "253", "--repeat", "\(Counterpart.batchesPerSample)"]
    ) { context in
        try descriptorSampler(.batches, maximumDescriptorsPerMessage, each: Counterpart.batchesPerSample, context)
    },
]

let framingBenchmarks = [
    Benchmark(
        name: "framing.roundtrip.64B", layer: .framing, summary: "a message of 64 bytes to an echo process and back",
        placement: .together, floor: ["roundtrip", "--bytes", "64"]
    ) { context in
        let connection = try connect(to: .echo, context)
        let message = [UInt8](repeating: 7, count: 64)
        return {
            try nanoseconds {
                try connection.send(message)
                guard try connection.receive().count == 64 else { throw BenchmarkFailure(reason: "another message") }
            }
        }
    },
    Benchmark(
        name: "framing.stream.1MiB", layer: .framing, summary: "per message of 1 MiB, one way",
        placement: .together, floor: ["stream", "--bytes", "1048576", "--repeat", "\(Counterpart.messagesPerSample)"]
    ) { context in
        let connection = try connect(to: .sink, context)
        let message = [UInt8](repeating: 7, count: 1 << 20)
        return {
            try nanoseconds {
                for _ in 0..<Counterpart.messagesPerSample { try connection.send(message) }
                _ = try connection.receive()
            } / UInt64(Counterpart.messagesPerSample)
        }
    },
]

let authBenchmarks = [
    Benchmark(
        name: "auth.handshake", layer: .auth, summary: "a mutual handshake with SHA-256; the floor sends its frames",
        placement: .together, floor: ["handshake"]
    ) { context in
        let connection = try connect(to: .handshake, context)
        let key = try Counterpart.key()
        return { try nanoseconds { try connection.authenticateAsClient(key: key) } }
    }
]

private func connect(to peer: Counterpart, _ context: SampleContext) throws -> Connection {
    let started = try Counterpart.start(peer, cpu: context.peerCPU)
    return Connection(started.channel)
}

private func descriptorSampler(
    _ peer: Counterpart, _ count: Int, each: Int, _ context: SampleContext
) throws -> () throws -> UInt64 {
    let started = try Counterpart.start(peer, cpu: context.peerCPU)
    let channel = KeptDescriptor(started.channel)
    // As many numbers of one open file as a message takes: what is measured is the passing.
    let passed = KeptDescriptor(try OwnedFileDescriptor.open("/dev/null", .readOnly))
    let descriptors = [FileDescriptor](repeating: passed.descriptor, count: count)
    return {
        try nanoseconds {
            for _ in 0..<each { try channel.descriptor.sendDescriptors(descriptors) }
            _ = try channel.descriptor.readExactly(1)
            _ = passed
        } / UInt64(each * count)
    }
}

/// An owned descriptor that a closure keeps.
final class KeptDescriptor: Sendable {
    private let owned: OwnedFileDescriptor

    init(_ descriptor: consuming OwnedFileDescriptor) { owned = descriptor }

    var descriptor: FileDescriptor { owned.descriptor }
}

/// A pipe that a closure keeps.
final class KeptPipe: Sendable {
    private let pipe: Pipe

    init(_ pipe: consuming Pipe) { self.pipe = pipe }

    var readEnd: FileDescriptor { pipe.readEnd.descriptor }
    var writeEnd: FileDescriptor { pipe.writeEnd.descriptor }
}
