// Figures of the scheduler's core, as one line of JSON. Run it with
// `swift run -c release core-bench`; a benchmark is a function that gives figures, added to this list.
let figures = yardstickFigures() + tickFigures() + eventFigures() + largeDAGFigures() + backfillFigures()

print("{" + figures.map { "\"\($0.name)\": \($0.text)" }.joined(separator: ", ") + "}")
