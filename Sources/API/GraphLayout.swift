import SchedulerCore
import Spawn
import Synchronization

/// Where the tasks of a DAG stand in its drawing, by graphviz's `dot` (https://graphviz.org/docs/layouts/dot/).
final class GraphLayout: Sendable {
    /// In points (1/72 inch), from the upper left corner.
    struct Point: Sendable, Hashable {
        var x: Double
        var y: Double
    }

    struct Drawing: Sendable {
        var size = Point(x: 0, y: 0)
        /// The middle of each task, in the order of the DAG's file, and their sizes.
        var nodes: [(at: Point, size: Point)] = []
        /// Indexes of tasks, and the points of a B-spline.
        var edges: [(from: Int, to: Int, points: [Point])] = []
    }

    /// A larger drawing is of no use to anybody, and takes dot minutes.
    static let mostTasks = 2000
    private static let microseconds: Int64 = 20_000_000
    private static let most = 256
    private let known = Mutex<[Int64: Drawing]>([:])

    /// - Parameter version: for which the drawing is kept.
    func drawing(of dag: DAG, version: Int64) throws(Problem) -> Drawing {
        if let drawing = known.withLock({ $0[version] }) { return drawing }
        guard dag.tasks.count <= Self.mostTasks else {
            throw Problem.invalid("\(dag.tasks.count) tasks are too many to be drawn; \(Self.mostTasks) at most")
        }
        let drawing = try Self.draw(dag)
        known.withLock { known in
            if known.count >= Self.most { known = [:] }
            known[version] = drawing
        }
        return drawing
    }

    private static func draw(_ dag: DAG) throws(Problem) -> Drawing {
        // Numbers instead of names: nothing of the DAG is ever read as dot's language.
        var text = "digraph { rankdir=LR; nodesep=0.2; ranksep=0.45; node [shape=box, fixedsize=true, height=0.5];\n"
        for (index, task) in dag.tasks.enumerated() {
            let letters = min(max(task.id.count, task.kind.count, 6), 32)
            text += "\(index) [width=\(Double(letters) * 0.105 + 0.45)];\n"
        }
        for (index, task) in dag.tasks.enumerated() {
            for other in task.upstream { text += "\(other) -> \(index);\n" }
        }
        let path = "/usr/local/bin:/usr/bin:/bin"
        let result: ChildProcess.Result
        do throws(StartError) {
            result = try ChildProcess.run(
                ["dot", "-Tplain"], environment: ["PATH": path], input: Array((text + "}\n").utf8),
                timeoutMicroseconds: microseconds)
        } catch {
            throw Problem(503, "drawing needs the program dot of graphviz: \(error)", code: .unavailable)
        }
        guard result.status == .exited(0), !result.timedOut, let drawing = read(result.outputText) else {
            throw Problem(503, "dot could not draw it: \(result.errorText.prefix(200))", code: .unavailable)
        }
        return drawing
    }

    /// Reads dot's plain format (https://graphviz.org/docs/outputs/plain/): inches, from the lower left corner.
    static func read(_ text: String) -> Drawing? {
        var drawing = Drawing()
        var nodes: [Int: (at: Point, size: Point)] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            let numbers = words.map { Double($0) }
            func point(_ index: Int) -> Point? {
                guard index + 1 < numbers.count, let x = numbers[index], let y = numbers[index + 1] else { return nil }
                return Point(x: x * 72, y: y * 72)
            }
            switch words.first {
            case "graph":
                guard let size = point(2) else { return nil }
                drawing.size = size
            case "node":
                guard let index = words.dropFirst().first.flatMap({ Int($0) }), let at = point(2), let size = point(4)
                else { return nil }
                nodes[index] = (Point(x: at.x, y: drawing.size.y - at.y), size)
            case "edge":
                guard words.count > 4, let from = Int(words[1]), let to = Int(words[2]), let count = Int(words[3]),
                    (0...10_000).contains(count)
                else { return nil }
                var points: [Point] = []
                for number in 0..<count {
                    guard let at = point(4 + 2 * number) else { return nil }
                    points.append(Point(x: at.x, y: drawing.size.y - at.y))
                }
                drawing.edges.append((from, to, points))
            default: break
            }
        }
        for index in 0..<nodes.count {
            guard let node = nodes[index] else { return nil }
            drawing.nodes.append(node)
        }
        return drawing
    }
}
