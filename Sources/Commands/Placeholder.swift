// Placeholder.
public enum Program {
    public static func run() -> Int32 { 0 }
}
