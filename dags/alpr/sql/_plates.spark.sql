-- As _plates.sql. The id's first digit loses its highest bit before the rest is added, since Spark's BIGINT has a sign.
CACHE TABLE plates AS
SELECT cast(conv(substr(hash, 1, 1), 16, 10) AS BIGINT) % 8 * 1152921504606846976
    + cast(conv(substr(hash, 2, 15), 16, 10) AS BIGINT) AS id, *
FROM (
    SELECT *, sha2(sourceId || '|' || date_format(createDateTime, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS") || '|'
        || frame_id || '|' || plateIndex, 256) AS hash
    FROM (
        SELECT frame_id, createDateTime, sourceId, sourceFile, posexplode(plates) AS (plateIndex, plate)
        FROM staging
    )
)
