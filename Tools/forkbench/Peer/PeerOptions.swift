import Auth
import ForkbenchCore
import Framing

/// What the arguments of `forkbench peer` say.
struct PeerOptions: Sendable {
    let role: Role
    let address: Address
    let mode: PeerMode
    /// `nil` is no handshake at all.
    let authentication: Authentication?

    enum Role: String {
        case listen, connect
    }

    struct Authentication: Sendable {
        let key: AuthenticationKey
        let policy: AuthenticationPolicy
        let digest: DigestAlgorithm
    }

    init(_ role: Role, _ arguments: Arguments) throws(UsageError) {
        try arguments.expectNoRest()
        guard let address = arguments.values["--address"] else {
            throw UsageError("peer: expected --address unix:PATH or --address tcp:HOST:PORT")
        }
        self.role = role
        do throws(FramingError) {
            self.address = try Address(parsing: address)
        } catch {
            throw UsageError("--address: \(error)")
        }
        mode = try Self.choice(arguments, "--mode", among: PeerMode.self) ?? .echo
        authentication = try Self.authentication(arguments)
        if case .tcp = self.address, mode == .descriptors {
            throw UsageError("--mode descriptors: descriptors travel over Unix sockets only: give --address unix:PATH")
        }
    }

    static func authentication(_ arguments: Arguments) throws(UsageError) -> Authentication? {
        let policy = try choice(arguments, "--policy", among: AuthenticationPolicy.self)
        let digest = try choice(arguments, "--digest", among: DigestAlgorithm.self)
        guard let path = arguments.values["--key-file"] else {
            if policy == nil, digest == nil { return nil }
            throw UsageError(
                "\(policy == nil ? "--digest" : "--policy"): without a key it says nothing: add --key-file FILE")
        }
        if let digest, !(policy ?? .modern).accepts(digest) {
            throw UsageError("--digest \(digest): the policy “modern” refuses it: add --policy compatible")
        }
        do throws(AuthenticationError) {
            let key = try AuthenticationKey(contentsOfFileAt: path)
            return Authentication(key: key, policy: policy ?? .modern, digest: digest ?? .sha256)
        } catch {
            throw UsageError("--key-file: \(error)")
        }
    }

    private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ arguments: Arguments, _ option: String, among: Choice.Type
    ) throws(UsageError) -> Choice? {
        guard let name = arguments.values[option] else { return nil }
        guard let choice = Choice(rawValue: name) else {
            let names = Choice.allCases.map(\.rawValue).joined(separator: " ")
            throw UsageError("\(option): “\(name)” is none; expected one of: \(names)")
        }
        return choice
    }
}
