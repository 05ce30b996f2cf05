import FDPassing
import ForkbenchCore
import Syscalls

/// Descriptors to another process.
let descriptorBenchmarks: [Benchmark] = [
    Benchmark(
        name: "fdpass.oneway", layer: .fdpass, summary: "one descriptor a message, sent and received across processes",
        goal: .ratio(1.15), placement: .together,
        floor: ["fdpass-oneway", "--repeat", "\(Counterpart.descriptorsPerSample)"],
        peer: ["fdpass-oneway", "--repeat", "\(Counterpart.descriptorsPerSample)"]
    ) { context in
        try descriptorSampler(.descriptors, 1, each: Counterpart.descriptorsPerSample, context)
    },
    Benchmark(
        name: "fdpass.batch253", layer: .fdpass, summary: "per descriptor, 253 a message",
        goal: .ratio(1.15), placement: .together,
        floor: ["fdpass-batch", "--descriptors", "253", "--repeat", "\(Counterpart.batchesPerSample)"]
    ) { context in
        try descriptorSampler(.batches, maximumDescriptorsPerMessage, each: Counterpart.batchesPerSample, context)
    },
]

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
