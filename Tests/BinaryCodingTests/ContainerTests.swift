import BinaryCoding
import Testing

@Suite("Containers")
struct ContainerTests {
    @Test("fields may be missing if optional, be more than asked for, and come in any order")
    func evolution() throws {
        struct Old: Codable { var a: Int, b: String, c: [Int] }
        struct New: Codable, Equatable { var c: [Int], z: Double?, a: Int }
        #expect(try decoded(New.self, encoded(Old(a: 1, b: "x", c: [2]))) == New(c: [2], z: nil, a: 1))
        #expect(throws: DecodingError.self) { try decoded(Old.self, encoded(New(c: [], z: 1, a: 2))) }
    }

    @Test("many fields can be read in reverse, again and again")
    func reverse() throws {
        struct Reversed: Decodable {
            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: AnyKey.self)
                for _ in 0..<2 {
                    for key in container.allKeys.reversed() {
                        #expect(String(try container.decode(Int.self, forKey: key)) == key.stringValue)
                    }
                }
                #expect(!container.contains(AnyKey("absent")))
            }
        }
        for count in [1, 8, 9, 32, 33, 20_000] {
            let numbers = Dictionary(uniqueKeysWithValues: (0..<count).map { (String($0), $0) })
            _ = try decoded(Reversed.self, encoded(numbers))
        }
    }

    @Test("a parent can be used after a nested container was asked of it")
    func parentAfterNested() throws {
        let bytes = try encoded(
            Custom { encoder in
                var parent = encoder.container(keyedBy: AnyKey.self)
                var list = parent.nestedUnkeyedContainer(forKey: AnyKey("list"))
                try list.encode(1)
                var inner = list.nestedContainer(keyedBy: AnyKey.self)
                try inner.encode("deep", forKey: AnyKey("key"))
                try list.encode(2)
                #expect(list.count == 3)
                try parent.encode("after", forKey: AnyKey("after"))
                _ = parent.nestedContainer(keyedBy: AnyKey.self, forKey: AnyKey("empty"))
                _ = parent.superEncoder(forKey: AnyKey("nothing"))
                try parent.encodeNil(forKey: AnyKey("nil"))
            })
        #expect(
            try decoded(Anything.self, bytes)
                == .map([
                    "list": .list([.int(1), .map(["key": .string("deep")]), .int(2)]), "after": .string("after"),
                    "empty": .map([:]), "nothing": .map([:]), "nil": .null,
                ]))
    }

    @Test("two nested containers can be read by turns")
    func interleaved() throws {
        struct Two: Decodable {
            init(from decoder: any Decoder) throws {
                let parent = try decoder.container(keyedBy: AnyKey.self)
                var first = try parent.nestedUnkeyedContainer(forKey: AnyKey("a"))
                var second = try parent.nestedUnkeyedContainer(forKey: AnyKey("b"))
                for index in 0..<3 {
                    #expect(try first.decode(Int.self) == index)
                    #expect(try second.decode(String.self) == "\(index)")
                    #expect(first.currentIndex == index + 1)
                }
                #expect(first.isAtEnd && second.isAtEnd)
                #expect(first.count == 3 && second.count == 3)
            }
        }
        struct Source: Encodable {
            let a = [0, 1, 2]
            let b = ["0", "1", "2"]
        }
        _ = try decoded(Two.self, encoded(Source()))
    }

    @Test("a superclass may share its subclass's container")
    func sharedContainer() throws {
        let bytes = try encoded(
            Custom { encoder in
                var first = encoder.container(keyedBy: AnyKey.self)
                try first.encode(1, forKey: AnyKey("a"))
                var second = encoder.container(keyedBy: AnyKey.self)
                try second.encode(2, forKey: AnyKey("b"))
                try first.encode(3, forKey: AnyKey("c"))
            })
        #expect(try decoded([String: Int].self, bytes) == ["a": 1, "b": 2, "c": 3])
    }

    @Test("whoever catches an error while encoding can go on without the value")
    func recovery() throws {
        struct Failure: Error {}
        let failing = Custom { encoder in
            var container = encoder.container(keyedBy: AnyKey.self)
            var nested = container.nestedUnkeyedContainer(forKey: AnyKey("x"))
            try nested.encode([UInt8](repeating: 1, count: 10_000))
            throw Failure()
        }
        let bytes = try encoded(
            Custom { encoder in
                var container = encoder.container(keyedBy: AnyKey.self)
                try container.encode(1, forKey: AnyKey("a"))
                try? container.encode(failing, forKey: AnyKey("bad"))
                var list = container.nestedUnkeyedContainer(forKey: AnyKey("list"))
                try? list.encode(failing)
                try list.encode(2)
                #expect(list.count == 1)
                let place = container.superEncoder(forKey: AnyKey("place"))
                var single = place.singleValueContainer()
                try? single.encode(failing)
                try single.encode("instead")
            })
        #expect(
            try decoded(Anything.self, bytes)
                == .map(["a": .int(1), "list": .list([.int(2)]), "place": .string("instead")]))
    }

    @Test("a key used twice is an error, also in a value between which others used it")
    func repeatedKeyWhileEncoding() {
        let twice = Custom { encoder in
            var container = encoder.container(keyedBy: AnyKey.self)
            try container.encode(1, forKey: AnyKey("a"))
            try container.encode(["a": 2], forKey: AnyKey("b"))
            try container.encode(3, forKey: AnyKey("a"))
        }
        #expect {
            try encoded(["outer": [twice]])
        } throws: { error in
            guard case EncodingError.invalidValue(_, let context) = error else { return false }
            return context.codingPath.map(\.stringValue) == ["outer", "Index 0"]
                && context.debugDescription == "The key \"a\" was encoded twice."
        }
    }

    @Test("a decoder's user info and coding path reach the values")
    func surroundings() throws {
        struct Probe: Codable {
            static var key: CodingUserInfoKey { CodingUserInfoKey(rawValue: "probe")! }
            init() {}
            init(from decoder: any Decoder) throws {
                #expect(decoder.userInfo[Self.key] as? Int == 7)
                #expect(decoder.codingPath.map(\.stringValue) == ["list", "Index 1"])
                #expect(decoder.codingPath.last?.intValue == 1)
                let container = try decoder.container(keyedBy: AnyKey.self)
                #expect(container.codingPath.count == 2)
            }
            func encode(to encoder: any Encoder) throws {
                #expect(encoder.userInfo[Self.key] as? Int == 8)
                #expect(encoder.codingPath.map(\.stringValue) == ["list", "Index 1"])
                _ = encoder.container(keyedBy: AnyKey.self)
            }
        }
        struct Pair: Codable {
            var list: [Either]
        }
        enum Either: Codable {
            case number(Int)
            case probe(Probe)
            init(from decoder: any Decoder) throws {
                self =
                    try (try? decoder.singleValueContainer().decode(Int.self)).map { .number($0) }
                    ?? .probe(Probe(from: decoder))
            }
            func encode(to encoder: any Encoder) throws {
                switch self {
                case .number(let number): try number.encode(to: encoder)
                case .probe(let probe): try probe.encode(to: encoder)
                }
            }
        }
        let bytes = try BinaryEncoder(userInfo: [Probe.key: 8]).encode(Pair(list: [.number(3), .probe(Probe())]))
        _ = try BinaryDecoder(userInfo: [Probe.key: 7]).decode(Pair.self, from: bytes)
    }

    @Test("encoding appends to what is there, and leaves it alone when it fails")
    func appending() throws {
        struct Failure: Error {}
        var bytes: [UInt8] = [9, 9]
        try BinaryEncoder().encode(["a": 1], appendingTo: &bytes)
        #expect(bytes[..<2] == [9, 9])
        #expect(try BinaryDecoder().decode([String: Int].self, from: bytes[2...]) == ["a": 1])
        #expect(
            try bytes[2...].withUnsafeBytes { try BinaryDecoder().decode([String: Int].self, from: $0) } == ["a": 1])
        let before = bytes
        #expect(throws: Failure.self) {
            try BinaryEncoder().encode([1: Custom { _ in throw Failure() }], appendingTo: &bytes)
        }
        #expect(bytes == before)
    }

    @Test("a container that has ended stops the program with a sentence that says so")
    func endedContainer() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = try BinaryEncoder().encode(
                Custom { encoder in
                    var parent = encoder.unkeyedContainer()
                    var child = parent.nestedUnkeyedContainer()
                    try child.encode(1)
                    try parent.encode(2)
                    try child.encode(3)
                })
        }
        let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        // An optimized build has no message to print.
        #expect(message.contains("was used after it had ended") || !message.contains("Fatal error"))
    }
}
