import Reactor
import ReactorConformance
import Syscalls
import Testing

/// A backend that a test is run against. Whatever a reactor promises is tested with each of them.
struct Backend: Sendable, CustomTestStringConvertible {
    let type: any ReactorBackend.Type

    static let all = ReactorBackends.all.map { Backend(type: $0) }

    var testDescription: String { type.name }
}

/// What a test makes: kept until its end, whatever the optimizer thinks of its last use, and taken apart then.
final class Workbench {
    private var reactors: [Reactor] = []
    private var ends: [End] = []

    func reactor(_ backend: Backend) throws -> Reactor {
        let reactor = try Reactor(backend: backend.type)
        reactors.append(reactor)
        return reactor
    }

    func pipe() throws -> Channel { keep(try Channel.pipe()) }

    func sockets() throws -> Channel { keep(try Channel.sockets()) }

    func channel(_ kind: ChannelKind) throws -> Channel {
        switch kind {
        case .pipe: try pipe()
        case .sockets: try sockets()
        }
    }

    func duplicate(of end: End) throws -> End {
        let duplicate = End(try end.descriptor.duplicate())
        ends.append(duplicate)
        return duplicate
    }

    private func keep(_ channel: Channel) -> Channel {
        ends += [channel.near, channel.far]
        return channel
    }

    deinit {
        // Handlers that hold their reactor would keep it alive.
        for reactor in reactors { try? reactor.reinitialize(keepingHandlers: false) }
    }
}

enum ChannelKind: CaseIterable {
    case pipe, sockets
}
