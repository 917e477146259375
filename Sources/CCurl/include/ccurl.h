#ifndef CCURL_H
#define CCURL_H

#include <stddef.h>
#include <stdint.h>

/// One connection to servers, kept open between requests. Not for two threads at once.
typedef struct weir_curl weir_curl;

/// What is asked. Texts end with NUL.
struct weir_curl_request {
    const char *method;
    const char *url;
    /// `Name: value`, then NULL.
    const char *const *headers;
    /// For CURLOPT_AWS_SIGV4, and `KEY:SECRET`; NULL: the request is not signed.
    const char *signing;
    const char *credentials;
    /// The body: `body_size` bytes of memory or, where `body` is NULL, of the descriptor from `body_offset` on. -1: no body.
    const uint8_t *body;
    int body_descriptor;
    int64_t body_offset;
    int64_t body_size;
    /// Where the body of an answer with `answer_status` is appended; -1: into memory, as those of others always are.
    int answer_descriptor;
    long answer_status;
    long connect_milliseconds;
    /// Ended when nothing moves for so long.
    long stall_seconds;
};

/// What came back; `weir_curl_release` lets it go.
struct weir_curl_answer {
    /// Of curl: 0 when there is an answer.
    int code;
    /// Whether the same request may be sent once more: the server was not reached, or went away.
    int is_passing;
    char problem[256];
    long status;
    uint8_t *body;
    size_t body_size;
    /// As they came, lines with CR LF.
    char *headers;
    size_t headers_size;
    /// Bytes given to the descriptor.
    int64_t written;
};

/// Loads libcurl when it is used for the first time: programs that talk to nobody do not wait for it.
///
/// - Returns: NULL and why.
weir_curl *weir_curl_new(const char **problem);
void weir_curl_free(weir_curl *curl);

void weir_curl_perform(weir_curl *curl, const struct weir_curl_request *request, struct weir_curl_answer *answer);
void weir_curl_release(struct weir_curl_answer *answer);

#endif
