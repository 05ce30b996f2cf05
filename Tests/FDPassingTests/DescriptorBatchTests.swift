import TestSupport
import Testing

/// In helpers, which count their open descriptors before and after.
@Suite("Batches of descriptors")
struct DescriptorBatchTests {
    @Test("each is taken once, and the rest are closed with the batch")
    func taking() throws {
        #expect(try runHelper("FDPassingHelper", ["batch"]) == .success)
    }

    @Test("those that are left are taken one after the other, in order")
    func takingNext() throws {
        #expect(try runHelper("FDPassingHelper", ["take-next"]) == .success)
    }

    @Test("batches are split and joined in order")
    func joining() throws {
        #expect(try runHelper("FDPassingHelper", ["joined-batches"]) == .success)
    }
}
