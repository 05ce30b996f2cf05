import Syscalls

/// Where a listener listens, and a client connects to.
public enum Address: Hashable, Sendable {
    /// A socket in the file system, which other users can reach as far as the directory's permissions let them.
    case unix(path: String)
    /// A name in Linux's abstract space, which every user of the machine can reach. Never chosen unless asked for.
    case abstract(name: String)
    /// A TCP port; 0 lets the kernel choose one. IPv4 or IPv6, as the host says.
    case tcp(host: String, port: UInt16)

    /// Reads `unix:PATH`, `abstract:NAME` or `tcp:HOST:PORT`, with an IPv6 host in brackets.
    ///
    /// - Throws: `FramingError.invalidAddress`, which says what was expected.
    public init(parsing text: String) throws(FramingError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        switch (parts[0], parts.count == 2 ? parts[1] : "") {
        case ("unix", let path) where !path.isEmpty: self = .unix(path: String(path))
        case ("abstract", let name) where !name.isEmpty: self = .abstract(name: String(name))
        case ("tcp", let rest):
            guard let colon = rest.lastIndex(of: ":"), let port = UInt16(rest[rest.index(after: colon)...]) else {
                throw .invalidAddress("“\(text)” lacks a port from 0 to 65535: tcp:HOST:PORT")
            }
            var host = rest[..<colon]
            if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
            self = .tcp(host: String(host), port: port)
        default:
            throw .invalidAddress("“\(text)” is no address: unix:PATH, abstract:NAME or tcp:HOST:PORT")
        }
    }

    /// The socket addresses to try, in order.
    package func resolve(forBinding: Bool = false) throws(FramingError) -> [SocketAddress] {
        try framing { () throws(Errno) in
            switch self {
            case .unix(let path): [try SocketAddress(unixPath: path)]
            case .abstract(let name): [try SocketAddress(unixPath: "\0" + name)]
            case .tcp(let host, let port):
                try SocketAddress.resolve(host: host, port: port, forBinding: forBinding)
            }
        }
    }

    init(_ address: SocketAddress) {
        if let host = address.host, let port = address.port {
            self = .tcp(host: host, port: port)
        } else if let path = address.unixPath, path.first == "\0" {
            self = .abstract(name: String(path.dropFirst()))
        } else {
            self = .unix(path: address.unixPath ?? "")
        }
    }
}

extension Address: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unix(let path): "unix:\(path)"
        case .abstract(let name): "abstract:\(name)"
        case .tcp(let host, let port): host.contains(":") ? "tcp:[\(host)]:\(port)" : "tcp:\(host):\(port)"
        }
    }
}
