#ifndef CEXPAT_H
#define CEXPAT_H

#include <stddef.h>

/// Reads XML and tells of each element at its end: `path` is its name after those it stands in (`List/Contents/Key`), `text`
/// what stands in it itself. Prefixes of namespaces are left out.
///
/// - Returns: 0 when it is not well-formed, deeper than 16 levels, or declares entities.
int weir_xml_read(
    const void *data, size_t size, void *context, void (*element)(void *context, const char *path, const char *text));

#endif
