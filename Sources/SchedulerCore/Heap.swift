/// A binary min-heap. Entries that have become void stay until they surface; the owner checks what it takes.
package struct Heap<Element: Comparable> {
    private var items: [Element] = []

    package var isEmpty: Bool { items.isEmpty }
    package var count: Int { items.count }
    package var first: Element? { items.first }

    package init() {}

    func count(where condition: (Element) -> Bool) -> Int { items.count(where: condition) }
    func contains(where condition: (Element) -> Bool) -> Bool { items.contains(where: condition) }

    package mutating func push(_ item: Element) {
        items.append(item)
        var child = items.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard items[child] < items[parent] else { return }
            items.swapAt(child, parent)
            child = parent
        }
    }

    package mutating func pop() -> Element? {
        guard let top = items.first else { return nil }
        let last = items.removeLast()
        guard !items.isEmpty else { return top }
        items[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < items.count && items[child] < items[least] {
                least = child
            }
            guard least != parent else { return top }
            items.swapAt(parent, least)
            parent = least
        }
    }
}
