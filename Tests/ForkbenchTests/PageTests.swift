import ForkbenchCore
import TestSupport
import Testing

@Suite("Forkbench: the page") struct PageTests {
    private func point(_ plot: PlotPoint.Plot, _ x: Int, peers: [(String, Double)] = []) -> BenchmarkResult {
        .fixture(name: "\(plot).\(x)", goal: nil, plot: PlotPoint(plot, line: "ours <1>", at: x), peers: peers)
    }

    @Test("it needs nothing from elsewhere: no scripts, no links, no fetched fonts or pictures")
    func selfContained() {
        let page = ReportPage(.fixture([.fixture(peers: [("loky", 300)]), point(.payload, 64), point(.payload, 1024)]))
            .html
        for foreign in ["<script", "http:", "https:", "url(", "<link", "<img", "@import"] {
            #expect(!page.contains(foreign), "\(foreign)")
        }
        #expect(page.contains("prefers-color-scheme: dark"))
        #expect(page.contains("width=device-width"))
    }

    @Test("what comes from the host and from peers is text in it, and no markup")
    func escaping() {
        let page = ReportPage(.fixture([.fixture(peers: [("<b>&", 300)]), point(.workers, 1)])).html
        #expect(page.contains("&amp; &lt;more&gt;"))
        #expect(page.contains("&lt;b&gt;&amp;"))
        #expect(page.contains("ours &lt;1&gt;"))
        #expect(!page.contains("<more>") && !page.contains("<b>&"))
    }

    @Test("every result has its ratio, its distribution and its row, and points of plots have neither")
    func results() {
        let page = ReportPage(.fixture([.fixture(name: "framing.first"), point(.payload, 64)])).html
        #expect(page.occurrences(of: "framing.first") == 3)
        #expect(page.occurrences(of: "<tr><th>payload.64") == 0)
        #expect(page.contains("Cost of a payload"))
        #expect(!page.contains("A hop beside idle descriptors"))
    }

    @Test(
        "a plot has a line for ours, for the floor and for each peer, with a point at each size",
        arguments: PlotPoint.Plot.allCases)
    func plots(plot: PlotPoint.Plot) {
        let sizes = [1, 64, 1024]
        let page = ReportPage(.fixture(sizes.map { point(plot, $0, peers: [("loky", 900), ("billiard", 700)]) })).html
        #expect(page.occurrences(of: "class=\"dot\"") == 4 * sizes.count)
        #expect(page.occurrences(of: "class=\"size\"") == sizes.count)
        for name in ["ours &lt;1&gt;: ours", "ours &lt;1&gt;: floor in C", "ours &lt;1&gt;: loky"] {
            #expect(page.contains(name))
        }
    }

    @Test("what failed, what is missing and that it was interrupted stands on it")
    func shortcomings() {
        var report = Report.fixture()
        report.failures = [Report.Failure(name: "auth.handshake", reason: "it ended")]
        report.missingPeers = [Report.Failure(name: "python3.99", reason: "it is not found")]
        report.isInterrupted = true
        let page = ReportPage(report).html
        for text in ["auth.handshake failed: it ended", "python3.99: it is not found", "was interrupted"] {
            #expect(page.contains(text))
        }
    }

    @Test("a report without results is a page all the same")
    func empty() {
        let page = ReportPage(.fixture([])).html
        #expect(page.hasPrefix("<!DOCTYPE html>") && page.hasSuffix("</html>\n"))
    }
}
