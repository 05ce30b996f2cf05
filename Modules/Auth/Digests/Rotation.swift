extension FixedWidthInteger where Self: UnsignedInteger {
    /// The word with its bits moved down, and those that fall out at the bottom put in at the top.
    ///
    /// Masking shifts, because the ordinary ones test their counts; the compiler makes one instruction of the three.
    @inline(__always)
    func rotatedRight(_ count: Self) -> Self {
        (self &>> count) | (self &<< (0 &- count))
    }

    /// The word with its bits moved up, and those that fall out at the top put in at the bottom.
    @inline(__always)
    func rotatedLeft(_ count: Self) -> Self {
        (self &<< count) | (self &>> (0 &- count))
    }
}
