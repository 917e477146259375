-- One row per detected plate, which is what the six datasets are made of.
-- The id is the first 8 bytes of SHA-256 of the natural key, top bit cleared: the same in every dataset and every rerun.
CREATE TEMP TABLE plates AS
SELECT
    ('0x' || substr(sha256("sourceId" || '|' || strftime("createDateTime", '%Y-%m-%dT%H:%M:%S.%f') || '|'
        || frame_id || '|' || "plateIndex"), 1, 16))::UBIGINT & 9223372036854775807::UBIGINT AS id,
    *
FROM (
    SELECT frame_id, "createDateTime", "sourceId", "sourceFile",
        (generate_subscripts(plates, 1) - 1)::INTEGER AS "plateIndex",
        unnest(plates) AS plate
    FROM staging
);
