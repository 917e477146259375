import SchedulerCore
import Testing

struct NearestNameTests {
    @Test(arguments: [
        ("shedule", "schedule"), ("schedlue", "schedule"), ("retry", "retries"), ("Retries", "retries"),
        ("taks", "tasks"), ("owmer", "owner"), ("", nil), ("zzz", nil), ("completely_other", nil),
        ("retries", "retries"),
        ("max_active", nil),
    ])
    func findsWhatWasMeant(name: String, nearest: String?) {
        let candidates = ["schedule", "retries", "tasks", "owner", "max_active_runs"]
        #expect(nearestName(to: name, among: candidates) == nearest)
    }

    @Test func theFirstOfEquallyNearNamesWins() {
        #expect(nearestName(to: "loat", among: ["load", "loan"]) == "load")
        #expect(nearestName(to: "loat", among: ["boat", "load"]) == "boat")
        #expect(nearestName(to: "x", among: ["y", "z"]) == nil)
        #expect(nearestName(to: String(repeating: "a", count: 100_000), among: ["a"]) == nil)
    }
}
