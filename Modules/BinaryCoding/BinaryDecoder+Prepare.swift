extension BinaryDecoder {
    /// Has the runtime build what decoding a type takes, without decoding anything: for a process whose forks will decode it.
    ///
    /// A synthesized `init(from:)` asks for its container first. It gets none, after the container's type has been built.
    package static func prepare<T: Decodable>(_ type: T.Type) {
        guard let message = try? BinaryEncoder().encode([String: Int]()) else { return }
        _ = try? BinaryDecoder().decode(Preparation<T>.self, from: message)
    }
}

/// In the place of a value, has the value's type ask for its container.
private struct Preparation<T: Decodable>: Decodable {
    init(from decoder: any Decoder) throws {
        _ = try T(from: RefusingDecoder(decoder: decoder))
    }
}

/// Has containers, and gives none out.
private struct RefusingDecoder: Decoder {
    struct Refusal: Error {}

    let decoder: any Decoder

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        // Using it once has the runtime look up what it has to.
        _ = try decoder.container(keyedBy: type).allKeys
        throw Refusal()
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw Refusal() }
    func singleValueContainer() throws -> any SingleValueDecodingContainer { throw Refusal() }
}
