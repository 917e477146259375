#define _GNU_SOURCE
#include "ccurl.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// An answer that belongs into memory is a list or an error.
static const size_t most_memory = 64 << 20;

static struct {
    CURLcode (*global_init)(long);
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *);
    void (*easy_reset)(CURL *);
    CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
    CURLcode (*easy_perform)(CURL *);
    CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
    const char *(*easy_strerror)(CURLcode);
    struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
    void (*slist_free_all)(struct curl_slist *);
} curl;
static const char *missing;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        missing = "libcurl.so.4 cannot be loaded: install libcurl4 (apt-get install libcurl4)";
        return;
    }
#define FIND(name) \
    if ((curl.name = dlsym(library, "curl_" #name)) == NULL) missing = "libcurl.so.4 has no curl_" #name
    FIND(global_init);
    FIND(easy_init);
    FIND(easy_cleanup);
    FIND(easy_reset);
    FIND(easy_setopt);
    FIND(easy_perform);
    FIND(easy_getinfo);
    FIND(easy_strerror);
    FIND(slist_append);
    FIND(slist_free_all);
#undef FIND
    if (missing == NULL && curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) missing = "libcurl cannot be started";
}

struct weir_curl {
    CURL *handle;
};

weir_curl *weir_curl_new(const char **problem) {
    pthread_once(&once, load);
    *problem = missing;
    if (missing != NULL) return NULL;
    weir_curl *made = calloc(1, sizeof *made);
    if (made != NULL) made->handle = curl.easy_init();
    if (made == NULL || made->handle == NULL) {
        *problem = "there is no memory for a connection";
        free(made);
        return NULL;
    }
    return made;
}

void weir_curl_free(weir_curl *one) {
    if (one == NULL) return;
    curl.easy_cleanup(one->handle);
    free(one);
}

struct transfer {
    CURL *handle;
    const struct weir_curl_request *request;
    struct weir_curl_answer *answer;
    int64_t sent;
    int error;
};

static int grow(uint8_t **to, size_t *size, const void *data, size_t count) {
    if (count > most_memory - *size) return 0;
    uint8_t *larger = realloc(*to, *size + count + 1);
    if (larger == NULL) return 0;
    memcpy(larger + *size, data, count);
    *to = larger;
    *size += count;
    return 1;
}

static size_t take(char *data, size_t one, size_t count, void *context) {
    struct transfer *transfer = context;
    struct weir_curl_answer *answer = transfer->answer;
    long status = 0;
    curl.easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &status);
    if (transfer->request->answer_descriptor < 0 || status != transfer->request->answer_status)
        return grow(&answer->body, &answer->body_size, data, one * count) ? one * count : 0;
    size_t done = 0;
    while (done < one * count) {
        ssize_t wrote = write(transfer->request->answer_descriptor, data + done, one * count - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) {
            transfer->error = errno;
            return 0;
        }
        done += (size_t)wrote;
        answer->written += wrote;
    }
    return done;
}

static size_t take_header(char *data, size_t one, size_t count, void *context) {
    struct weir_curl_answer *answer = ((struct transfer *)context)->answer;
    // What came before belongs to "100 Continue".
    if (one * count > 5 && memcmp(data, "HTTP/", 5) == 0) answer->headers_size = 0;
    return grow((uint8_t **)&answer->headers, &answer->headers_size, data, one * count) ? one * count : 0;
}

static size_t give(char *room, size_t one, size_t count, void *context) {
    struct transfer *transfer = context;
    const struct weir_curl_request *request = transfer->request;
    size_t wanted = one * count;
    int64_t left = request->body_size - transfer->sent;
    if ((int64_t)wanted > left) wanted = (size_t)left;
    if (request->body != NULL) {
        memcpy(room, request->body + transfer->sent, wanted);
    } else {
        ssize_t got;
        do got = pread(request->body_descriptor, room, wanted, request->body_offset + transfer->sent);
        while (got < 0 && errno == EINTR);
        if (got < 0 || (got == 0 && wanted > 0)) {
            transfer->error = got < 0 ? errno : ENODATA;
            return CURL_READFUNC_ABORT;
        }
        wanted = (size_t)got;
    }
    transfer->sent += (int64_t)wanted;
    return wanted;
}

static int move(void *context, curl_off_t offset, int origin) {
    if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
    ((struct transfer *)context)->sent = offset;
    return CURL_SEEKFUNC_OK;
}

static int passes(CURLcode code) {
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_CONNECT:
        case CURLE_PARTIAL_FILE:
        case CURLE_OPERATION_TIMEDOUT:
        case CURLE_GOT_NOTHING:
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_HTTP2:
        case CURLE_HTTP2_STREAM:
            return 1;
        default:
            return 0;
    }
}

void weir_curl_perform(weir_curl *one, const struct weir_curl_request *request, struct weir_curl_answer *answer) {
    memset(answer, 0, sizeof *answer);
    CURL *handle = one->handle;
    // Keeps its connections.
    curl.easy_reset(handle);
    struct transfer transfer = {handle, request, answer, 0, 0};
    struct curl_slist *headers = NULL;
    for (const char *const *header = request->headers; *header != NULL; header++)
        headers = curl.slist_append(headers, *header);
    curl.easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl.easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl.easy_setopt(handle, CURLOPT_URL, request->url);
    curl.easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
    curl.easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl.easy_setopt(handle, CURLOPT_ERRORBUFFER, answer->problem);
    curl.easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, request->connect_milliseconds);
    curl.easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl.easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, request->stall_seconds);
    curl.easy_setopt(handle, CURLOPT_WRITEFUNCTION, take);
    curl.easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
    curl.easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
    curl.easy_setopt(handle, CURLOPT_HEADERDATA, &transfer);
    // A signature covers one host and path.
    curl.easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    if (request->signing != NULL) {
        curl.easy_setopt(handle, CURLOPT_AWS_SIGV4, request->signing);
        curl.easy_setopt(handle, CURLOPT_USERPWD, request->credentials);
    }
    if (request->body_size >= 0) {
        curl.easy_setopt(handle, CURLOPT_UPLOAD, 1L);
        curl.easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_size);
        curl.easy_setopt(handle, CURLOPT_READFUNCTION, give);
        curl.easy_setopt(handle, CURLOPT_READDATA, &transfer);
        curl.easy_setopt(handle, CURLOPT_SEEKFUNCTION, move);
        curl.easy_setopt(handle, CURLOPT_SEEKDATA, &transfer);
        // Servers that do not know "Expect: 100-continue" are not waited for.
        curl.easy_setopt(handle, CURLOPT_EXPECT_100_TIMEOUT_MS, 200L);
    } else if (strcmp(request->method, "HEAD") == 0) {
        curl.easy_setopt(handle, CURLOPT_NOBODY, 1L);
    }
    curl.easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request->method);
    CURLcode code = curl.easy_perform(handle);
    answer->code = code;
    answer->is_passing = passes(code);
    curl.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer->status);
    if (code != CURLE_OK && transfer.error != 0) {
        strncpy(answer->problem, strerror(transfer.error), sizeof answer->problem - 1);
    } else if (code != CURLE_OK && answer->problem[0] == 0) {
        strncpy(answer->problem, curl.easy_strerror(code), sizeof answer->problem - 1);
    }
    // The handle outlives what these options point to.
    curl.easy_reset(handle);
    curl.slist_free_all(headers);
}

void weir_curl_release(struct weir_curl_answer *answer) {
    free(answer->body);
    free(answer->headers);
    answer->body = NULL;
    answer->headers = NULL;
}
