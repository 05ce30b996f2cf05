/// What a descriptor is watched for, and how its readiness triggers events.
///
/// Level-triggered without one of the two triggers: what is ready and not dealt with is reported by each wait.
public struct Interest: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static var readable: Interest { Interest(rawValue: 1) }
    public static var writable: Interest { Interest(rawValue: 2) }
    /// Reported when something has changed: more data than before, more room, the end. Not every backend has it.
    public static var edgeTriggered: Interest { Interest(rawValue: 4) }
    /// Reported once, in whichever direction, and not again until `modify`: the descriptor stays registered.
    public static var oneShot: Interest { Interest(rawValue: 8) }

    /// Both directions, without a trigger.
    public static var directions: Interest { [.readable, .writable] }
}

/// When a watched descriptor that is ready is told of.
public enum Trigger: Hashable, Sendable {
    /// In each round in which it is ready: what is not dealt with is told again.
    case level
    /// When something has changed: more data than before, more room, the end. Whoever is told deals with all of it, until
    /// `Errno.resourceTemporarilyUnavailable`. Not every backend has it.
    case edge
    /// Once, and not again until it is added again, which costs less than after a removal. It is still to be removed before
    /// it is closed.
    case oneShot

    var flag: Interest {
        switch self {
        case .level: []
        case .edge: .edgeTriggered
        case .oneShot: .oneShot
        }
    }
}

/// What a descriptor was found ready for.
public struct Readiness: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// There is something to read, if only the end of the stream.
    public static var readable: Readiness { Readiness(rawValue: 1) }
    public static var writable: Readiness { Readiness(rawValue: 2) }
    /// The other side is gone. What it sent before can still be read.
    public static var hangUp: Readiness { Readiness(rawValue: 4) }
    public static var error: Readiness { Readiness(rawValue: 8) }
    /// The descriptor was closed without being removed first (backends that can tell).
    public static var invalid: Readiness { Readiness(rawValue: 16) }
}

/// One descriptor's readiness, as a backend reports it.
public struct ReadinessEvent: Equatable, Sendable {
    public let token: UInt64
    public let readiness: Readiness

    public init(token: UInt64, readiness: Readiness) {
        self.token = token
        self.readiness = readiness
    }
}
