import BinaryCoding
import Testing

@testable import Pool

@Suite("Tasks that travel together")
struct TaskArrayTests {
    struct Point: Codable, Equatable, Sendable {
        var x = 1.5
        var isSet = true
        var level: Int8 = -3
    }

    struct Empty: Codable, Equatable, Sendable {}

    struct Name: Codable, Equatable, Sendable {
        var text: String
    }

    @Test("are the same on the other side, as memory or value by value", arguments: [true, false], [0, 1, 1000])
    func roundTrip(isSameBuild: Bool, count: Int) throws {
        let points = (0..<count).map { Point(x: Double($0), isSet: $0 % 3 == 0, level: Int8(truncatingIfNeeded: $0)) }
        #expect(try sent(points, isSameBuild) == points)
        let names = (0..<count).map { Name(text: "name \($0)") }
        #expect(try sent(names, isSameBuild) == names)
        let numbers = Array(0..<count)
        #expect(try sent(numbers, isSameBuild) == numbers)
        #expect(try sent(Array(repeating: Empty(), count: count), isSameBuild).count == count)
    }

    @Test("of a trivial type take no more than their memory where the build is the same")
    func size() throws {
        let points = Array(repeating: Point(), count: 1000)
        let asMemory = try BinaryEncoder().encode(TaskArray(points, isSameBuild: true)).count
        #expect(asMemory < 1000 * MemoryLayout<Point>.stride + 100)
    }

    @Test("as memory of another size are an error, and so is memory of a type that has references")
    func unlike() throws {
        let bytes = try BinaryEncoder().encode(TaskArray([UInt8](repeating: 1, count: 9), isSameBuild: true))
        #expect(throws: DecodingError.self) { try BinaryDecoder().decode(TaskArray<Int64>.self, from: bytes) }
        let whole = try BinaryEncoder().encode(TaskArray([UInt8](repeating: 1, count: 64), isSameBuild: true))
        #expect(throws: DecodingError.self) { try BinaryDecoder().decode(TaskArray<Name>.self, from: whole) }
    }

    private func sent<T: Codable & Sendable>(_ tasks: [T], _ isSameBuild: Bool) throws -> [T] {
        let bytes = try BinaryEncoder().encode(TaskArray(tasks, isSameBuild: isSameBuild))
        return try BinaryDecoder().decode(TaskArray<T>.self, from: bytes).elements
    }
}
