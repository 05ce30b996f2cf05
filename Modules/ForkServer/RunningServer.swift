import BinaryCoding
import FDPassing
import Framing
import ProcessRoles
import ResourceTracker
import Syscalls

/// A pipe that tells children that nobody is left who wants them: see `ForkedChild`.
///
/// It outlives a server that dies, whose children go on.
final class Sentinel: Sendable {
    let pipe: Pipe

    init() throws(Errno) {
        pipe = try Pipe()
    }
}

/// A server's process, from its start to its end, as its client holds it.
final class RunningServer: Sendable {
    let process: ProcessID
    let control: Connection
    private let sentinel: Sentinel
    private let gracePeriod: Duration

    /// Starts the server, and waits until it is ready to fork.
    init(
        options: ForkServer.Options, tracker: ResourceTracker, sentinel: Sentinel
    ) throws(ForkServerError) {
        guard options.executable != nil || ProcessRole.isBootstrapped else { throw .notBootstrapped }
        let hello = try Self.hello(options)
        gracePeriod = options.gracePeriod
        self.sentinel = sentinel
        let commands: OwnedFileDescriptor
        do throws(ResourceTrackerError) { commands = try tracker.commandDescriptor() } catch { throw .tracker(error) }
        do throws(Errno) {
            let pair = try SocketPair()
            process = try ServerProcess.role.start(
                executable: options.executable, descriptors: [pair.second.descriptor, commands.descriptor],
                settings: options.isTunedForForking ? Self.forkingSettings : [:])
            control = Connection(pair.first)
        } catch {
            throw .system(error)
        }
        do throws(ForkServerError) {
            try greet(hello, until: .after(options.startTimeout))
        } catch {
            // Whatever it is that was started, it is no server.
            try? process.send(.kill)
            _ = try? process.wait()
            throw error
        }
    }

    private static func hello(_ options: ForkServer.Options) throws(ForkServerError) -> Hello {
        var preloads: [PackedValue] = []
        for preload in options.preloads {
            let outgoing = OutgoingDescriptors()
            preloads.append(try PackedValue(preload, outgoing: outgoing))
            guard outgoing.descriptors.isEmpty else { throw .notEncodable("a preload cannot carry descriptors") }
        }
        return Hello(
            build: options.executable == nil ? BuildIdentity.current : nil, client: .current, preloads: preloads,
            backend: options.backend,
            gracePeriodMilliseconds: Int(options.gracePeriod.roundedUpMilliseconds))
    }

    private func greet(_ hello: Hello, until deadline: Deadline) throws(ForkServerError) {
        do throws(ForkServerError) {
            let ends = [sentinel.pipe.readEnd.descriptor, sentinel.pipe.writeEnd.descriptor]
            try control.send(message: hello, passing: ends, until: deadline)
            let answer: [UInt8]
            do throws(FramingError) { answer = try control.receive(until: deadline) } catch { throw .connection(error) }
            guard let greeting = try? BinaryDecoder().decode(Greeting.self, from: answer) else {
                throw .startFailed("its first message is not understood")
            }
            switch greeting {
            case .ready: return
            case .differentBuild: throw .differentBuild
            case .typeUnknown(let type): throw .typeUnknown(type)
            case .preloadFailed(let preload, let reason): throw .preloadFailed(preload, reason: reason)
            case .notSingleThreaded(let threads, let culprit):
                throw .notSingleThreaded(threads: threads, culprit: culprit)
            case .failed(let reason): throw .startFailed(reason)
            }
        } catch .connection(.timedOut) {
            throw .startFailed("it did not answer in time: does its main call ForkServer.bootstrap() first?")
        } catch .connection(let error) {
            throw .startFailed("it ended at once (\(error)): does its main call ForkServer.bootstrap() first?")
        }
    }

    /// Has the server end, and waits until it has. Its children are killed first.
    ///
    /// A server that does not (it was stopped, or a preload's exit handler hangs) is killed some time after its children's
    /// grace period.
    func disconnectAndReap() {
        control.close()
        #if os(Linux)
            let descriptor = try? ProcessDescriptor(of: process)
            if (try? descriptor?.waitForEnd(until: .after(gracePeriod + .seconds(5)))) == false {
                try? process.send(.kill)
            }
        #endif
        _ = try? process.wait()
    }

    #if os(Linux)
        /// Lazy binding would be done again in every child, and a heap in small pages makes fork copy more page tables.
        private static var forkingSettings: [String: String] {
            let tunable = "glibc.malloc.hugetlb=1"
            let others = Environment["GLIBC_TUNABLES"].map { $0 + ":" } ?? ""
            return ["LD_BIND_NOW": "1", "GLIBC_TUNABLES": others + tunable]
        }
    #else
        private static let forkingSettings: [String: String] = [:]
    #endif
}
