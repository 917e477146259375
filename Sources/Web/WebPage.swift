import CWeb
import HTTPServer

/// The page for people: a few files that are kept in the program. It gets all its data from the REST API.
public enum WebPage {
    struct Asset: Sendable {
        var name: String
        var type: String
        var bytes: [UInt8]
        /// Changes with the content.
        var tag: String
    }

    /// Nothing but this server's own files: no script or style within a page, nothing from elsewhere, no page of another
    /// site around it (https://www.w3.org/TR/CSP3/).
    static let policy =
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    static let assets: [Asset] = (0..<weir_asset_count()).compactMap { index in
        guard let asset = weir_asset_at(index)?.pointee, let name = asset.name.map({ String(cString: $0) }) else {
            return nil
        }
        let bytes = Array(UnsafeBufferPointer(start: asset.bytes, count: asset.size))
        return Asset(name: name, type: type(of: name), bytes: bytes, tag: tag(of: bytes))
    }

    private static func type(of name: String) -> String {
        switch name.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "js": "text/javascript; charset=utf-8"
        case "svg": "image/svg+xml"
        default: "application/octet-stream"
        }
    }

    /// FNV-1a: not against an attacker, who cannot change the program's own files.
    private static func tag(of bytes: [UInt8]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }

    /// Adds the page at `/`, and its files below `/assets/`. They are open to everybody: what they show is not.
    public static func add(to router: inout Router) {
        for asset in assets {
            let path = asset.name == "index.html" ? "/" : "/assets/\(asset.name)"
            router.on("GET", path) { answer(asset, $0) }
        }
    }

    private static func answer(_ asset: Asset, _ request: HTTPRequest) -> HTTPResponse {
        HTTPResponse(
            headers: [
                ("Content-Type", asset.type), ("Content-Security-Policy", policy),
                ("X-Content-Type-Options", "nosniff"),
                ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Opener-Policy", "same-origin"),
            ], body: asset.bytes
        ).validated(for: request, tag: asset.tag).compressed(for: request)
    }
}
