import Framing
import ProcessRoles
import Syscalls

/// Those who come to the server's address.
extension ServerProcess {
    /// Takes requests of others than the clients.
    ///
    /// - Returns: Where.
    func open(_ setup: AddressSetup, alive: consuming OwnedFileDescriptor?) throws -> Address {
        let address = try ServerAddress(setup, alive: alive, in: reactor)
        try address.watchAlivePipe { [unowned self] in
            unwantedAddress?.close()
            unwantedAddress?.dismissCallers()
        }
        self.address = address
        return address.address
    }

    /// The address, when neither a client nor somebody with the alive pipe keeps it open any more.
    private var unwantedAddress: ServerAddress? {
        guard let address, !address.isKeptAlive, clients.allSatisfy(\.isRetired) else { return nil }
        return address
    }

    /// A client has another server now, which has its own address. Those who have come to this one are served.
    func leaveAddressToSuccessor() { unwantedAddress?.close() }

    /// A client is gone: with the last one go those whom nobody else wants.
    func endUnwantedAddress(gracePeriod: Duration) {
        guard let address = unwantedAddress else { return }
        address.close()
        address.dismissCallers()
        address.endChildren(gracePeriod: gracePeriod)
    }

    func fork(_ request: ForeignRequest) {
        do throws(Errno) {
            if let threads = try ServerStart.extraThreads() {
                let names = threads.joined(separator: ", ")
                return standardErrorLine(
                    "fork server: no child for \(request.client.process): there are threads: \(names)")
            }
            guard let address else { return }
            let child = try fork(.serving(request.status)) { inheritance.runChild(address.program, request) }
            address.add(child)
            request.status.write(Int(child.process.rawValue))
        } catch {
            // The protocol has no word for it: the client reads end of file.
            standardErrorLine("fork server: no child for \(request.client.process): \(error)")
        }
    }
}
