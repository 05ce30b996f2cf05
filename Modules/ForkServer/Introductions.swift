import BinaryCoding
import FDPassing
import Syscalls

/// How a child becomes a client of the server that forked it: a datagram with the server's end of a control socket.
///
/// All children share one socket for that; a datagram is whole or not at all, so none of them can spoil it for another.
enum Introductions {
    /// Sends one, with its descriptors.
    static func send(
        _ introduction: Introduction, passing descriptors: [FileDescriptor], on registration: FileDescriptor
    ) throws(ForkServerError) {
        let bytes: [UInt8]
        do { bytes = try BinaryEncoder().encode(introduction) } catch { throw .notEncodable("\(error)") }
        do throws(Errno) {
            try registration.send(bytes, passing: descriptors)
        } catch {
            throw error == .connectionReset || error == .brokenPipe || error == .connectionRefused
                ? .serverDied : .system(error)
        }
    }

    /// The next one, if one has come. What makes no sense is dropped.
    static func next(on registration: FileDescriptor) -> ReceivedIntroduction? {
        while true {
            do throws(FDPassingError) {
                let message = try registration.receiveDatagram(
                    upTo: Introduction.mostBytes, descriptorLimit: Introduction.descriptorCount)
                guard message.descriptors.count == Introduction.descriptorCount,
                    let introduction = try? BinaryDecoder().decode(Introduction.self, from: message.bytes)
                else { continue }
                return ReceivedIntroduction(introduction: introduction, descriptors: message.descriptors)
            } catch {
                if case .system = error { return nil }
            }
        }
    }
}

struct ReceivedIntroduction: ~Copyable {
    let introduction: Introduction
    var descriptors: DescriptorBatch
}
