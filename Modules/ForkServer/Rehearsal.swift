import FDPassing
import Framing
import ProcessRoles
import Syscalls

/// Does in the server, and in a parked child, what a child will do first.
///
/// Swift's runtime builds generic types and looks conformances up when they are first met, which is slow, and what it has
/// built every child forked later has in memory.
struct Rehearsal: ChildProgram {
    let descriptor: PassedDescriptor
    let number: Int
    let text: String
    let bytes: [UInt8]

    func run(in child: ChildContext) {}

    static func perform() throws {
        let outgoing = OutgoingDescriptors()
        let program = Rehearsal(
            descriptor: try PassedDescriptor(duplicating: .standardInput), number: 1, text: "", bytes: [])
        let request = try ChildRequest.encode(program, nil, outgoing: outgoing)
        let pair = try SocketPair()
        let client = Connection(socket: pair.first)
        try client.send(request, passing: outgoing.descriptors)
        let name = try TypeName.name(of: Rehearsal.self)
        guard let type = TypeName.type(named: name) as? any ChildProgram.Type else {
            throw ForkServerError.typeUnknown(name)
        }
        let channel = Connection(socket: pair.second, descriptorLimit: ChildContext.descriptorLimit)
        _ = try ChildRequestDecoder().run(type, in: ChildContext(clientProcess: .current, connection: channel))
        // The first write asks the kernel what it can; standard input is /dev/null, open for both.
        try FileDescriptor.standardInput.writeAll([0])
    }
}
