#include "cexpat.h"

#include <expat.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    XML_Parser parser;
    void *context;
    void (*element)(void *, const char *, const char *);
    char path[1024];
    size_t ends[16];
    int depth;
    char *text;
    size_t size;
};

static void begin(void *data, const XML_Char *name, const XML_Char **attributes) {
    (void)attributes;
    struct reader *reader = data;
    const char *local = strrchr(name, ':');
    local = local == NULL ? name : local + 1;
    size_t at = reader->depth == 0 ? 0 : reader->ends[reader->depth - 1];
    size_t length = strlen(local);
    if (reader->depth == 16 || at + length + 2 > sizeof reader->path) {
        XML_StopParser(reader->parser, XML_FALSE);
        return;
    }
    if (at > 0) reader->path[at++] = '/';
    memcpy(reader->path + at, local, length + 1);
    reader->ends[reader->depth++] = at + length;
    reader->size = 0;
}

static void end(void *data, const XML_Char *name) {
    (void)name;
    struct reader *reader = data;
    if (reader->text != NULL) reader->text[reader->size] = 0;
    reader->element(reader->context, reader->path, reader->text == NULL ? "" : reader->text);
    reader->depth--;
    reader->path[reader->depth == 0 ? 0 : reader->ends[reader->depth - 1]] = 0;
    reader->size = 0;
}

static void take(void *data, const XML_Char *text, int length) {
    struct reader *reader = data;
    char *larger = realloc(reader->text, reader->size + (size_t)length + 1);
    if (larger == NULL) {
        XML_StopParser(reader->parser, XML_FALSE);
        return;
    }
    memcpy(larger + reader->size, text, (size_t)length);
    reader->text = larger;
    reader->size += (size_t)length;
}

// No answer needs a document type; what has one may be meant to fill the memory.
static void refuse(void *data, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal) {
    (void)name, (void)system, (void)public, (void)internal;
    XML_StopParser(((struct reader *)data)->parser, XML_FALSE);
}

int weir_xml_read(
    const void *data, size_t size, void *context, void (*element)(void *context, const char *path, const char *text)) {
    struct reader reader = {.context = context, .element = element};
    if (size > INT_MAX || (reader.parser = XML_ParserCreate(NULL)) == NULL) return 0;
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, begin, end);
    XML_SetCharacterDataHandler(reader.parser, take);
    XML_SetStartDoctypeDeclHandler(reader.parser, refuse);
    int good = XML_Parse(reader.parser, data, (int)size, 1) == XML_STATUS_OK;
    XML_ParserFree(reader.parser);
    free(reader.text);
    return good;
}
