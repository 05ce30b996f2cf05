import BinaryCoding
import Testing

@Suite("Hostile input")
struct HostileInputTests {
    /// The error's path and description, or nil if the bytes were decoded.
    private func refusal<T: Decodable>(_ type: T.Type, _ bytes: [UInt8]) -> (path: [String], description: String)? {
        do {
            _ = try decoded(type, bytes)
            return nil
        } catch let DecodingError.dataCorrupted(context), let DecodingError.typeMismatch(_, context),
            let DecodingError.valueNotFound(_, context), let DecodingError.keyNotFound(_, context)
        {
            return (context.codingPath.map(\.stringValue), context.debugDescription)
        } catch {
            Issue.record("not a DecodingError: \(error)")
            return nil
        }
    }

    private func isRefused<T: Decodable>(_ type: T.Type, _ bytes: [UInt8], _ words: String) -> Bool {
        guard let refusal = refusal(type, bytes) else { return false }
        if !refusal.description.contains(words) { Issue.record("unexpected: \(refusal.description)") }
        return refusal.description.contains(words)
    }

    @Test("errors name the path, what was expected and what was found")
    func paths() throws {
        struct Team: Encodable { var members: [[String: String]] }
        struct Wrong: Decodable { var members: [[String: Int]] }
        let bytes = try encoded(Team(members: [["a": "x"]]))
        let wrong = try #require(refusal(Wrong.self, bytes))
        #expect(wrong.path == ["members", "Index 0", "a"])
        #expect(wrong.description == "Expected Int, found a string at byte 8.")

        struct Missing: Decodable { var other: Int }
        let missing = try #require(refusal([Missing].self, encoded([["a": 1]])))
        #expect(missing.path == ["Index 0"])
        #expect(missing.description == "There is no value for the key \"other\".")

        let large = try #require(refusal([String: UInt8].self, encoded(["n": 256])))
        #expect(large.path == ["n"])
        #expect(large.description == "256 does not fit into UInt8.")
    }

    @Test("a number is refused by a type it does not fit into")
    func ranges() throws {
        #expect(isRefused(Int8.self, try encoded(128), "128 does not fit"))
        #expect(isRefused(Int8.self, try encoded(-129), "-129 does not fit"))
        #expect(isRefused(UInt.self, try encoded(-1), "-1 does not fit"))
        #expect(isRefused(Int64.self, try encoded(UInt64.max), "does not fit"))
        #expect(
            isRefused(
                Int64.self, [0x1F] + [UInt8](repeating: 255, count: 8) + [0], "-18446744073709551616 does not fit"))
        #expect(isRefused(UInt64.self, try encoded(Int128.min), "does not fit"))
        #expect(isRefused(Int128.self, try encoded(UInt128.max), "does not fit"))
        #expect(isRefused(Float.self, try encoded(1e300), "does not fit"))
        #expect(isRefused(Int.self, try encoded(1.0), "Expected Int, found a Double"))
        #expect(isRefused(Double.self, try encoded(1), "Expected Double, found an integer"))
        #expect(isRefused(Bool.self, try encoded(1), "Expected Bool"))
        #expect(isRefused(String.self, try encoded(Int?.none), "found nil"))
        #expect(isRefused([Int].self, try encoded(["a": 1]), "Expected an unkeyed container, found a keyed container"))
        #expect(
            isRefused(
                [String: Int].self, try encoded([1]), "Expected a keyed container, found a block of int64 numbers"))
        #expect(try decoded(Int8.self, [0x17, 5, 0, 0, 0, 0, 0, 0, 0, 0]) == 5)
    }

    @Test("bytes left over are an error")
    func leftOver() throws {
        #expect(isRefused(Int.self, [0x80, 0, 0], "1 bytes follow the message, which ends at byte 2."))
        #expect(isRefused(Person.self, try encoded(Person(id: 1, name: "", score: 0)) + [7], "1 bytes follow"))
        #expect(isRefused(Int.self, [], "no bytes"))
        #expect(isRefused(Int.self, [0x80], "1 more bytes were announced"))
    }

    @Test("every truncation of a message is an error")
    func truncation() throws {
        let bytes = try encoded([Everything()])
        for count in 0..<bytes.count {
            #expect(throws: DecodingError.self) { try decoded([Everything].self, Array(bytes[..<count])) }
        }
    }

    @Test("text that is not UTF-8 is an error, in strings and in keys")
    func invalidText() {
        for text: [UInt8] in [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0x61, 0xE4, 0xB8],
        ] {
            #expect(isRefused(String.self, [0x40 + UInt8(text.count)] + text + [0], "not UTF-8"))
            #expect(isRefused(Int.self, [0x80, 1, UInt8(text.count)] + text, "not UTF-8"))
        }
    }

    @Test("a key twice in a container or in the table is an error")
    func repeatedKeys() {
        #expect(isRefused([String: Int].self, [0x07, 4, 0, 0x81, 0, 0x82, 1, 1, 0x61], "already has"))
        #expect(
            isRefused([String: Int].self, [0x07, 6, 1, 0x81, 0, 0x82, 1, 0x83, 2, 1, 0x61, 1, 0x62], "already has"))
        #expect(isRefused([String: Int].self, [0x07, 2, 0, 0x81, 2, 1, 0x61, 1, 0x61], "the table already has"))
        #expect(isRefused([String: Int].self, [0x07, 2, 1, 0x81, 1, 1, 0x61], "key number 1"))
    }

    @Test(
        "unknown tags, ragged blocks and lengths past the end are errors",
        arguments: [UInt8(0x0B), 0x0F, 0x2A, 0x33, 0x3F])
    func tags(_ tag: UInt8) {
        #expect(isRefused(Int.self, [tag, 0, 0], "which is no tag"))
        #expect(isRefused([Int].self, [0x23, 7, 0, 0, 0, 0, 0, 0, 0, 0], "no multiple of the 8"))
        #expect(isRefused([Bool].self, [0x08, 2, 2, 0x05, 0], "more bytes were announced"))
    }

    @Test("a long key cannot be referred to by several containers, which would make much of few bytes")
    func sharedLongKeys() throws {
        func message(keyLength: Int) -> [UInt8] {
            [0x08, 8, 0x07, 2, 0, 0x81, 0x07, 2, 0, 0x82, 1, UInt8(keyLength)]
                + [UInt8](repeating: 97, count: keyLength)
        }
        #expect(try decoded([[String: Int]].self, message(keyLength: 64)).map(\.count) == [1, 1])
        #expect(isRefused([[String: Int]].self, message(keyLength: 65), "that another container has too"))
        let long = String(repeating: "k", count: 65)
        let twice = [0x07, 4, 0, 0x81, 1, 0x82, 2] + [65] + Array(long.utf8) + [65] + Array(long.utf8)
        #expect(isRefused([String: Int].self, twice, "already has"))
        #expect(throws: EncodingError.self) {
            try encoded(
                Custom { encoder in
                    var container = encoder.container(keyedBy: AnyKey.self)
                    try container.encode(1, forKey: AnyKey(long))
                    try container.encode(2, forKey: AnyKey(long))
                })
        }
    }

    @Test("a length or count beyond the bytes that are there takes no memory")
    func bombs() {
        let huge: [UInt8] = [255, 255, 255, 255, 255, 255, 255, 255, 127]
        for length in [huge, [255] + [UInt8](repeating: 255, count: 8), [251, 255, 255, 255, 127], [255, 1]] {
            for tag: UInt8 in [0x06, 0x07, 0x08, 0x20, 0x23, 0x29] {
                #expect(refusal([Int].self, [tag] + length + [0]) != nil)
                #expect(refusal([UInt8].self, [0x08, UInt8(length.count + 1), tag] + length + [0]) != nil)
                #expect(refusal(String.self, [tag] + length + [0]) != nil)
            }
            #expect(refusal(Int.self, [0x80] + length) != nil)
            #expect(refusal(Int.self, [0x80, 1] + length) != nil)
            #expect(refusal([String: Int].self, [0x07, UInt8(length.count + 1)] + length + [0x80, 0]) != nil)
        }
    }

    @Test("a dictionary of pairs refuses an odd number of them")
    func oddPairs() throws {
        #expect(throws: DecodingError.self) { try decoded([Double: Int].self, encoded([1, 2, 3])) }
        #expect(throws: DecodingError.self) {
            try decoded([Person: Int].self, encoded([Person(id: 1, name: "", score: 1)]))
        }
    }

    @Test("values nested deeper than the limit are errors both ways, within it they are not")
    func depth() throws {
        #expect(throws: EncodingError.self) { try encoded(Link.chain(100_000)) }
        #expect(throws: EncodingError.self) { try encoded(Tree.chain(5000)) }
        _ = try roundTrip(Link.chain(128))
        #expect(throws: EncodingError.self) { try encoded(Link.chain(129)) }
        let generous = BinaryDecoder.Limits(depth: 500)
        let bytes = try BinaryEncoder(limits: generous).encode(Link.chain(400))
        _ = try BinaryDecoder(limits: generous).decode(Link.self, from: bytes)
        #expect(isRefused(Link.self, bytes, "nested more than 128 deep"))
        let cycle = Link()
        cycle.next = cycle
        #expect(throws: EncodingError.self) { try encoded(cycle) }
        cycle.next = nil

        struct Lists: Decodable {
            init(from decoder: any Decoder) throws {
                var container = try decoder.unkeyedContainer()
                while !container.isAtEnd { _ = try container.decode(Lists.self) }
            }
        }
        var nested: [UInt8] = []
        while nested.count < 30_000 {
            nested = [0x08, 255] + withUnsafeBytes(of: UInt64(nested.count).littleEndian, Array.init) + nested
        }
        #expect(isRefused(Lists.self, nested + [0], "nested more than 128 deep"))
        #expect(isRefused(Int.self, nested + [0], "found an unkeyed container"))
    }

    @Test("a recursion through nested containers and super encoders ends with an error")
    func depthWithoutValues() throws {
        struct Deep: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: AnyKey.self)
                try container.encode(1, forKey: AnyKey("a"))
                try encode(to: container.superEncoder())
            }
        }
        #expect(throws: EncodingError.self) { try encoded(Deep()) }
        #expect(throws: EncodingError.self) {
            try encoded(
                Custom { encoder in
                    var container = encoder.unkeyedContainer()
                    for _ in 0..<1000 { container = container.nestedUnkeyedContainer() }
                })
        }
    }

    @Test("a type that decodes itself from itself is stopped")
    func selfReference() {
        struct Ouroboros: Decodable {
            init(from decoder: any Decoder) throws {
                self = try decoder.singleValueContainer().decode(Ouroboros.self)
            }
        }
        #expect(isRefused(Ouroboros.self, [0x80, 0], "nested more than"))
    }

    // Quadratic work would take hours: the limit ends a hang, and measures nothing.
    @Test(
        "a container with very many keys, asked in the worst order, is read all the same", .timeLimit(.minutes(10)))
    func manyKeys() throws {
        struct Picky: Decodable {
            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: AnyKey.self)
                let keys = container.allKeys
                for index in keys.indices {
                    _ = try container.decode(Int.self, forKey: keys[(index &* 7919) % keys.count])
                    #expect(!container.contains(AnyKey("absent \(index)")))
                }
            }
        }
        let bytes = try encoded(Dictionary(uniqueKeysWithValues: (0..<100_000).map { ("k\($0)", $0) }))
        _ = try decoded(Picky.self, bytes)
    }
}
