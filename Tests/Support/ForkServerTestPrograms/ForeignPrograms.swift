import ForkServer
import Syscalls

/// Answers over the first descriptor, with what its server's program and preloads gave it.
public struct Answer: ForeignChildProgram {
    let text: String

    public init(_ text: String) {
        self.text = text
    }

    public func run(in child: consuming ForeignChildContext) throws {
        guard let descriptor = child.descriptors.take(at: 0) else { child.exit(9) }
        let loaded = PreloadedMemory.log.count
        try descriptor.descriptor.writeAll("\(text) \(loaded) \(child.client.process)")
        try descriptor.close()
        // What comes is the client's end.
        let request = child.request
        _ = try request.descriptor.readToEnd()
    }
}
