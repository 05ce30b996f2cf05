import FDPassing
import Syscalls

/// Tells a parked child what it is from now on: the one message on its activation socket.
///
/// With it come the child's channel, its status socket, and what it is to watch its client's sentinel by, if anything.
struct Activation: Sendable {
    private static let mostDescriptors = 3

    /// The program's type, as the place that it has in the server's list.
    var type: Int32
    var client: ProcessID
    var bond: Bond

    /// With whom the child goes.
    enum Bond: Int32 {
        /// With the client that it was prepared for.
        case prepared
        /// With the client whose sentinel it is given.
        case given
        /// With nobody.
        case detached
    }

    // As it travels. Server and child are one program: nothing is coded that need not be, since a child that was just forked touches
    // each page of code for the first time.
    private typealias Words = InlineArray<3, Int32>

    /// Sends it, without waiting.
    func send(over socket: FileDescriptor, passing descriptors: [FileDescriptor]) throws(Errno) {
        let words: Words = [type, client.rawValue, bond.rawValue]
        _ = try socket.send(words.span.bytes, passing: descriptors.span, waiting: false)
    }

    /// Receives it, in the child; `nil` when there will be none.
    ///
    /// - Parameter descriptors: Gets those that come.
    static func receive(from socket: FileDescriptor, _ descriptors: inout DescriptorBatch) -> Activation? {
        var words: Words = [0, 0, 0]
        let count = withUnsafeMutableBytes(of: &words) { bytes in
            try? socket.receive(into: bytes, descriptors: &descriptors, limit: mostDescriptors)
        }
        guard count == MemoryLayout<Words>.size, let bond = Bond(rawValue: words[2]),
            descriptors.count == (bond == .given ? 3 : 2)
        else { return nil }
        return Activation(type: words[0], client: ProcessID(rawValue: words[1]), bond: bond)
    }
}
