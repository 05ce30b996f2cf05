/// Where a benchmark belongs in a plot of cost against size.
package struct PlotPoint: Sendable, Equatable {
    package let plot: Plot
    /// Of points with the same name a line is drawn.
    package let line: String
    package let x: Int

    package enum Plot: String, CaseIterable, Sendable {
        case payload
        case idleDescriptors = "idle-descriptors"
        case preloadedMemory = "preloaded-memory"
        case workers
    }

    package init(_ plot: Plot, line: String, at x: Int) {
        self.plot = plot
        self.line = line
        self.x = x
    }
}
