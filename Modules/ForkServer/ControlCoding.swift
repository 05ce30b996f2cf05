import Framing
import Syscalls

// Coded by hand: a request stands between a client and its child, and has little to say.

extension ServerRequest {
    var bytes: [UInt8] {
        switch self {
        case .spawn(let typeName, let isDetached, let mayUseSpare):
            [UInt8(ascii: "c"), isDetached ? 1 : 0, mayUseSpare ? 1 : 0] + typeName.utf8
        case .statistics: [UInt8(ascii: "i")]
        case .retire: [UInt8(ascii: "r")]
        case .abandon(let process): [UInt8(ascii: "k")] + withUnsafeBytes(of: process.rawValue) { Array($0) }
        case .shutDown: [UInt8(ascii: "s")]
        }
    }

    /// `nil` when they are no request.
    init?(_ bytes: [UInt8]) {
        switch bytes.first {
        case UInt8(ascii: "c"):
            guard bytes.count > 3, let typeName = String(validating: bytes[3...], as: UTF8.self) else { return nil }
            self = .spawn(typeName: typeName, isDetached: bytes[1] != 0, mayUseSpare: bytes[2] != 0)
        case UInt8(ascii: "i"): self = .statistics
        case UInt8(ascii: "r"): self = .retire
        case UInt8(ascii: "k"):
            guard bytes.count == 5 else { return nil }
            let number = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 1, as: Int32.self) }
            self = .abandon(ProcessID(rawValue: number))
        case UInt8(ascii: "s"): self = .shutDown
        default: return nil
        }
    }
}

extension Connection {
    /// Sends the server a request. Its descriptors stay the caller's.
    func send(
        _ request: ServerRequest, passing descriptors: [FileDescriptor] = [], until deadline: Deadline
    ) throws(ForkServerError) {
        do throws(FramingError) {
            try send(request.bytes, passing: descriptors, until: deadline)
        } catch {
            throw .connection(error)
        }
    }
}
