extension HTTPResponse {
    /// With a tag of what it says (RFC 9110, 8.8.3), and without a body for a client that has it already.
    ///
    /// - Parameter tag: differs for different bodies, in whatever coding they are sent; without quotes.
    public func validated(for request: HTTPRequest, tag: String) -> HTTPResponse {
        // Weak: a body is the same one in each coding.
        let tag = "W/\"\(tag)\""
        var response = self
        response.headers.append(("ETag", tag))
        // Kept by the client itself only, and asked for each time: rights may have changed meanwhile.
        response.headers.append(("Cache-Control", "private, no-cache"))
        guard request.list("If-None-Match").contains(where: { $0 == "*" || Self.opaque($0) == Self.opaque(tag[...]) })
        else {
            return response
        }
        response.status = 304
        response.body = []
        response.headers.removeAll { $0.name == "Content-Type" }
        // As the whole answer has it (RFC 9110, 15.4.5).
        response.headers.append(("Vary", "Accept-Encoding"))
        return response
    }

    /// The weak comparison does not look at what a tag says of its strength (RFC 9110, 8.8.3.2).
    private static func opaque(_ tag: Substring) -> Substring { tag.hasPrefix("W/") ? tag.dropFirst(2) : tag }
}
