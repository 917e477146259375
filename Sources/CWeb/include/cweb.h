#ifndef WEIR_CWEB_H
#define WEIR_CWEB_H

#include <stddef.h>

/// A file of the page, as it stands in Sources/CWeb/assets, kept in the program.
struct weir_asset {
    const char *name;
    const unsigned char *bytes;
    size_t size;
};

/// How many there are.
size_t weir_asset_count(void);

/// One of them; NULL beyond the last.
const struct weir_asset *weir_asset_at(size_t index);

#endif
