import BinaryCoding
import Testing

@Suite("Fuzzing")
struct FuzzTests {
    /// A valid message and a way to decode it.
    private struct Target {
        let bytes: [UInt8]
        let decode: ([UInt8]) throws -> Void

        init<T: Codable>(_ value: T) throws {
            bytes = try encoded(value)
            decode = { _ = try BinaryDecoder().decode(T.self, from: $0) }
        }
    }

    private static func targets() throws -> [Target] {
        let people = (0..<12).map { Person(id: $0 << (4 * $0), name: "name \($0)", score: Double($0)) }
        var generator = Generator(state: 4)
        return [
            try Target(Everything()), try Target([Everything(), Everything()]), try Target(people),
            try Target(Set(people)), try Target(people.reduce(into: [:]) { $0[$1.name] = $1 }),
            try Target(people.reduce(into: [:]) { $0[$1] = $1.id }), try Target(people.map(Optional.some) + [nil]),
            try Target([Command.stop, .move(x: 1, y: -2), .say("hi", loudly: true), .both([.stop, .both([])])]),
            try Target(Tree.chain(10)), try Target(Link.chain(10)), try Target(Dog(name: "Rex")),
            try Target([Level.low, .high]), try Target([Word.yes: 1, .no: 2]), try Target([1: "a", -5: "b"]),
            try Target([UInt8](0...99)), try Target(ContiguousArray([UInt8](0...99))), try Target(Array(-20..<20)),
            try Target([[1.5, 2.5], [], [3.5]]), try Target([Float(1), 2]), try Target([Int16(1), -2]),
            try Target(Set(0..<40)), try Target((0..<40).map { "s\($0)" }), try Target("Grüße, 世界 👩‍👩‍👧"),
            try Target([Int128.min, .max]), try Target([UInt128.max]), try Target([true, false]),
            try Target(SIMD8<Int32>(repeating: 7)), try Target(0.5..<1.5), try Target([Nothing(), Nothing()]),
            try Target(Anything.random(depth: 4, using: &generator)),
            try Target(["k": Anything.random(depth: 3, using: &generator)]),
            try Target(Dictionary(uniqueKeysWithValues: (0..<60).map { ("key\($0)", [$0]) })),
        ]
    }

    private static func mutate(_ bytes: inout [UInt8], with other: [UInt8], using generator: inout Generator) {
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
            let index = Int.random(in: bytes.indices, using: &generator)
            switch Int.random(in: 0..<8, using: &generator) {
            case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: bytes[index] = .random(in: 0...255, using: &generator)
            case 2:
                bytes[index] = [0, 1, 3, 7, 8, 0x23, 0x80, 247, 248, 251, 255].randomElement(using: &generator) ?? 0
            case 3: bytes.remove(at: index)
            case 4: bytes.insert(.random(in: 0...255, using: &generator), at: index)
            case 5: bytes.removeLast(bytes.count - index)
            case 6:
                let end = min(bytes.count, index + Int.random(in: 1...16, using: &generator))
                bytes.insert(contentsOf: bytes[index..<end], at: Int.random(in: bytes.indices, using: &generator))
            default:
                let start = Int.random(in: other.indices, using: &generator)
                let end = min(other.count, start + Int.random(in: 1...16, using: &generator))
                bytes.replaceSubrange(index..<min(bytes.count, index + end - start), with: other[start..<end])
            }
        }
    }

    @Test("a mutated message is either decoded or refused with a DecodingError", arguments: 0..<8)
    func mutations(_ seed: UInt64) throws {
        let targets = try Self.targets()
        var generator = Generator(state: seed)
        var refused = 0
        for round in 0..<32_000 {
            let target = targets[round % targets.count]
            var bytes = target.bytes
            let other = targets.randomElement(using: &generator)?.bytes ?? bytes
            Self.mutate(&bytes, with: other, using: &generator)
            do {
                try target.decode(bytes)
            } catch is DecodingError {
                refused += 1
            } catch {
                Issue.record("\(error) from \(bytes)")
            }
        }
        #expect(refused > 1000)
    }

    @Test("random bytes are either decoded or refused with a DecodingError")
    func noise() throws {
        let targets = try Self.targets()
        var generator = Generator(state: 99)
        for round in 0..<40_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            do {
                try targets[round % targets.count].decode(bytes)
            } catch is DecodingError {
            } catch {
                Issue.record("\(error) from \(bytes)")
            }
        }
    }
}
