import Auth
import Framing
import Syscalls
import TestSupport

/// What tests of Auth cannot do in the test runner: use up the descriptors of a process.
@main enum AuthHelper {
    static func main() {
        runSubcommand(commands)
    }
}

private let commands: HelperCommands = [
    // With the descriptors of this process exhausted a client waits until there is room again.
    "accept-without-room": {
        let key = try AuthenticationKey(Array("secret".utf8))
        let listener = AuthenticatingListener(try Listener.atFreshAddress(), key: key)
        let address = listener.listener.address
        let connecting = try Background {
            try Connection.connect(to: address, key: key, until: .generous).receive(until: .generous)
        }
        // Connected, and in the backlog.
        checkEqual(try wait(for: [listener.listener], until: .generous), [0])
        let accepting = try withoutRoomForDescriptors {
            for deadline in [Deadline.now, .after(.milliseconds(120))] {
                checkThrows(AuthenticationError.framing(.timedOut)) { try listener.accept(until: deadline) }
            }
            return try Background { try listener.accept(until: .generous).send([1]) }
        }
        try accepting.get()
        checkEqual(try connecting.get(), [1])
    }
]
