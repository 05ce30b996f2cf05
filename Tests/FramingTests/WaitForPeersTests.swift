import Framing
import Syscalls
import TestSupport
import Testing

@Suite("Waiting for several peers to the end")
struct WaitForPeersTests {
    @Test("whatever several peers send is found, to the end of each", arguments: [true, false])
    func connections(duplex: Bool) throws {
        let pairs = try (0..<4).map { _ in try Connection.pipe(duplex: duplex) }
        let senders = try Background {
            for round in UInt8(0)..<10 { for pair in pairs { try pair.1.send([round]) } }
            for pair in pairs { pair.1.close() }
        }
        var open = Array(pairs.indices)
        var seen = pairs.map { _ in [UInt8]() }
        while !open.isEmpty {
            for place in try wait(for: open.map { pairs[$0].0 }, until: .generous).reversed() {
                do throws(FramingError) {
                    seen[open[place]] += try pairs[open[place]].0.receive(until: .generous)
                } catch {
                    #expect(error == .endOfFile)
                    open.remove(at: place)
                }
            }
        }
        try senders.get()
        #expect(seen == Array(repeating: Array(0..<10), count: 4))
    }

    @Test("plain sockets are waited for as connections are, to the end of each")
    func sockets() throws {
        let listener = try Listener(at: .tcp(host: "127.0.0.1", port: 0))
        let clients = try Background { [address = listener.address] in
            for _ in 0..<4 {
                let client = try Connection.connect(to: address, until: .generous).takeDescriptor()
                for number in UInt8(0)..<10 { try client.descriptor.writeAll([number]) }
            }
        }
        var sockets = [Connection]()
        for _ in 0..<4 { sockets.append(try listener.accept(until: .generous)) }
        let descriptors = try sockets.map { try $0.withDescriptor { $0 } }
        var open = Array(descriptors.indices)
        var seen = descriptors.map { _ in [UInt8]() }
        while !open.isEmpty {
            for place in try wait(for: open.map { descriptors[$0] }, until: .generous).reversed() {
                let bytes = try descriptors[open[place]].read(upTo: 32)
                seen[open[place]] += bytes
                if bytes.isEmpty { open.remove(at: place) }
            }
        }
        try clients.get()
        #expect(seen == Array(repeating: Array(0..<10), count: 4))
        #expect(sockets.allSatisfy { !$0.isClosed })
    }

    #if os(Linux)
        @Test("the end of a process is waited for beside connections")
        func process() throws {
            let input = try Pipe()
            var program = try HelperProcess(executable: "/bin/cat", descriptors: [0: input.readEnd.descriptor])
            let end = try ProcessDescriptor(of: program.process)
            let (first, second) = try Connection.pipe()
            let things: [any Waitable] = [first, end.descriptor, second]
            #expect(try wait(for: things, until: .now) == [])
            try input.writeEnd.close()
            #expect(try wait(for: things, until: .generous) == [1])
            try first.send([1])
            #expect(try wait(for: things, until: .generous) == [1, 2])
            try second.send([1])
            #expect(try wait(for: things, until: .generous) == [0, 1, 2])
            #expect(try program.waitForOutcome() == .success)
        }
    #endif
}
