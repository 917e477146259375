/// The ticks of a schedule (placeholder until the presets land).
public struct Timetable: Sendable {
}
